// Visitors of the last minutes, told by the server as they come. A stream ends after a while and
// is opened again; while nobody looks there is none.

let stream;
let timer;

function close() {
  stream?.close();
  clearTimeout(timer);
  stream = undefined;
}

function listen(place) {
  close();
  stream = new EventSource(place.dataset.live);
  stream.addEventListener("now", (event) => {
    const told = JSON.parse(event.data);
    place.classList.toggle("on", told.visitors > 0);
    place.querySelector("b").textContent = told.text;
    if (document.querySelector("[data-live-page]")) dispatchEvent(new Event("news"));
  });
  stream.addEventListener("error", () => {
    if (stream?.readyState !== EventSource.CLOSED) return;
    close();
    timer = setTimeout(follow, 30_000);
  });
}

export function follow() {
  const place = document.querySelector("[data-live]");
  if (!place || document.hidden) close();
  else if (!stream || !stream.url.endsWith(place.dataset.live)) listen(place);
}

document.addEventListener("visibilitychange", follow);
addEventListener("pagehide", close);
