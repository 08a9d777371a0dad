// What a chart says at the place that is pointed at.

const line = (tag, className, text) => {
  const made = document.createElement(tag);
  made.className = className;
  made.textContent = text;
  return made;
};

function fill(tip, slot) {
  const { word, value, baseWord, base } = slot.dataset;
  const parts = [line("div", "", word), line("b", "", value)];
  if (baseWord) parts.push(line("div", "then", `${baseWord}: ${base}`));
  tip.replaceChildren(...parts);
}

export function tips() {
  const box = document.querySelector(".chart-box");
  if (!box) return;
  const tip = line("div", "tip", "");
  tip.hidden = true;
  box.append(tip);
  for (const title of box.querySelectorAll(".slot title")) title.remove();
  box.addEventListener("pointerover", (event) => {
    const slot = event.target.closest?.(".slot");
    tip.hidden = !slot;
    if (!slot) return;
    fill(tip, slot);
    const area = box.getBoundingClientRect();
    const mark = slot.querySelector("line").getBoundingClientRect();
    const middle = mark.left - area.left;
    const left = Math.min(Math.max(middle - tip.offsetWidth / 2, 0), area.width - tip.offsetWidth);
    tip.style.translate = `${left}px -6px`;
  });
  box.addEventListener("pointerleave", () => { tip.hidden = true; });
}
