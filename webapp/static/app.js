// Makes the pages quicker to use. Everything works without it: links, forms and <details>.

import { follow } from "./live.js";
import { tips } from "./tips.js";

const root = document.documentElement;
const find = (selector, within = document) => within.querySelector(selector);
const all = (selector, within = document) => [...within.querySelectorAll(selector)];

// -- going from state to state without loading the page anew ----------------------------------

let asked; // the request that is under way

async function go(address, push = true) {
  asked?.abort();
  asked = new AbortController();
  root.classList.add("waiting");
  try {
    const answer = await fetch(address, { signal: asked.signal, headers: { Accept: "text/html" } });
    if (!answer.headers.get("content-type")?.startsWith("text/html")) throw new Error("no page");
    show(new DOMParser().parseFromString(await answer.text(), "text/html"), answer.url);
    if (push) history.pushState(null, "", address);
    moved(new URL(address, location.href));
  } catch (error) {
    if (error.name !== "AbortError") location.assign(address);
  } finally {
    root.classList.remove("waiting");
  }
}

function show(page) {
  const focused = document.activeElement?.getAttribute("href") ?? "";
  const section = document.activeElement?.closest("section[id]")?.id;
  document.title = page.title;
  for (const part of ["main", ".top-inner", "#help"]) {
    const fresh = find(part, page);
    const old = find(part);
    if (old && fresh) old.replaceWith(fresh);
    else if (old) old.remove();
    else if (fresh) document.body.append(fresh);
  }
  const again = all("a", section ? find(`#${section}`) ?? document : document);
  const next = again.find((link) => link.getAttribute("href") === focused);
  (next ?? find("main")).focus({ preventScroll: true });
  begin();
}

function moved(address) {
  const target = address.hash && find(address.hash);
  if (target && target.getBoundingClientRect().top < 0) target.scrollIntoView();
  find("#said").textContent = document.title;
}

const isOurs = (url) => url.origin === location.origin && /^\/(s\/|$)/.test(url.pathname);

document.addEventListener("click", (event) => {
  if (event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey) return;
  const link = event.target.closest("a[href], use[data-go]");
  const address = link && new URL(link.dataset.go ?? link.getAttribute("href"), location.href);
  if (!address || link.hasAttribute("download") || !isOurs(address)) return;
  if (address.pathname === location.pathname && address.search === location.search && address.hash) return;
  event.preventDefault();
  const far = address.pathname !== location.pathname;
  go(address.href).then(() => far && scrollTo(0, 0));
});

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "get" || !isOurs(new URL(form.action))) return;
  event.preventDefault();
  const fields = [...new FormData(form)].filter(([, value]) => value !== "");
  go(`${form.action.split("?")[0]}?${new URLSearchParams(fields)}`);
});

addEventListener("news", () => go(location.href, false));
addEventListener("popstate", () => go(location.href, false));

// -- menus --------------------------------------------------------------------------------------

function closeMenus(except) {
  for (const menu of all("details.menu[open]")) if (!menu.contains(except)) menu.open = false;
}

document.addEventListener("click", (event) => closeMenus(event.target));
document.addEventListener("toggle", (event) => {
  if (event.target.matches?.("details.menu") && event.target.open) fit(event.target);
}, true);

// A menu that would leave the window is moved into it.
function fit(menu) {
  const pop = find(".pop", menu);
  pop.style.translate = "";
  const { left, right } = pop.getBoundingClientRect();
  const wide = root.clientWidth - 8;
  const shift = left < 8 ? 8 - left : right > wide ? wide - right : 0;
  if (shift) pop.style.translate = `${shift}px`;
}

// -- keys ---------------------------------------------------------------------------------------

const keys = {
  "?": () => find("#help")?.showModal(),
  "/": () => open(".filter-menu", "select"),
  s: () => open(".sites-menu", "a"),
  x: () => find("[data-key-compare]")?.click(),
  Escape: () => (find("details.menu[open]") ? closeMenus() : find("[data-clear]")?.click()),
};

function open(selector, inside) {
  const menu = find(selector);
  if (!menu) return;
  menu.open = true;
  find(inside, menu)?.focus();
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || find("dialog[open]")) return;
  if (event.target.matches("input, select, textarea") && event.key !== "Escape") return;
  const link = find(`[data-key="${CSS.escape(event.key)}"]`);
  const act = keys[event.key] ?? (link && (() => link.click()));
  if (!act) return;
  event.preventDefault();
  act();
});

// -- small things -------------------------------------------------------------------------------

document.addEventListener("click", async (event) => {
  const copy = event.target.closest("[data-copy]");
  if (copy) {
    await navigator.clipboard.writeText(copy.dataset.copy);
    copy.classList.add("done");
  }
  if (event.target.closest("[data-help]")) find("#help")?.showModal();
  const theme = event.target.closest("[data-theme-choice]")?.dataset.themeChoice;
  if (theme) {
    event.preventDefault();
    document.cookie = `theme=${theme}; path=/; max-age=31536000; samesite=lax`;
    root.dataset.theme = theme;
    for (const one of all("[data-theme-choice]")) one.classList.toggle("on", one.dataset.themeChoice === theme);
  }
});

function begin() {
  tips();
  follow();
}

root.classList.add("js");
begin();
