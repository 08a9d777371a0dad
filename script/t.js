// The tracker script. `make script` makes webapp/static/t.js of it, which is what sites load.
// docs/tracking.md says what it does and what it sends. It never throws into the page, needs
// nothing that a strict content security policy forbids, and keeps nothing but the opt-out.
((document, navigator, location) => {
  const VERSION = "1";
  const OPT_OUT = "tallylog-ignore";
  const FIRST_MS = 500; // the page loads first
  const NEXT_MS = 100; // single-page applications set the title after the address
  const POLICY_MS = 2000; // within which the browser says that a policy forbade a beacon
  const DOWNLOADS = "pdf,zip,gz,7z,dmg,exe,msi,deb,rpm,apk,iso,docx,xlsx,pptx,csv,epub,mp3,mp4";

  const script = document.currentScript || document.querySelector("script[data-site]");
  const settings = script ? script.dataset : {};
  const early = window.tallylog || {};
  if (early.version) return;

  const on = (name) => name in settings && settings[name] != "false";
  const words = (text) => (text || "").split(/[\s,]+/);
  const log = (...what) => on("debug") && console.log("tallylog:", ...what);

  /** The same function, except that what it throws goes no further. */
  const safe =
    (work) =>
    (...given) => {
      try {
        return work(...given);
      } catch (error) {
        log(error);
      }
    };
  const listen = (target, names, work) =>
    words(names).forEach((name) => target.addEventListener(name, safe(work), true));

  let base; // where hits are sent
  let referrer = document.referrer;
  let current; // page of the last view
  let waiting; // the view that will be counted
  let timer = 0; // it runs while that page is seen
  let started = false;

  const address = () => (on("hash") ? location.href : location.href.split("#")[0]);
  const page = (url) => url.pathname + (on("hash") ? url.hash : "");

  // --- What is not counted

  const excluded = words(settings.exclude).map(
    (glob) => RegExp("^" + glob.replace(/[.+?^${}()|[\]\\]/g, "\\$&").replace(/\*/g, ".*") + "$"),
  );
  const ignored = safe(() => localStorage[OPT_OUT]);

  const refusal = (url) =>
    (navigator.webdriver && "webdriver") ||
    ((navigator.doNotTrack == 1 || navigator.globalPrivacyControl) && "privacy") ||
    (ignored() && "ignored") ||
    (!/^http/.test(url) && "no web page") ||
    (excluded.some((glob) => glob.test(page(url))) && "excluded");

  const toggle = safe(() => {
    if (location.hash != "#" + OPT_OUT) return;
    localStorage[OPT_OUT] = ignored() ? "" : 1;
    history.replaceState(history.state, "", location.pathname + location.search);
    alert("Tallylog: " + (ignored() ? "ignored" : "counted"));
  });

  // --- Sending: a beacon, else a request that outlives the page, else the pixel

  let forbidden = false;
  const beacons = [];

  const pixel = safe((hit) => {
    const { d: site, u: p, n, s, p: properties, ...rest } = hit;
    const query = new URLSearchParams();
    const said = { ...properties, ...rest, site, p, e: n == "pageview" ? "" : n, o: "script" };
    for (const name in said) if (said[name] != null) query.set(name, said[name]);
    new Image().src = base + "pixel.gif?" + query;
  });

  const post = (url, hit) => {
    const body = JSON.stringify(hit);
    const how = { method: "POST", body, keepalive: true, mode: "no-cors", credentials: "omit" };
    if (forbidden) pixel(hit);
    else if (safe(() => navigator.sendBeacon(url, body))()) {
      beacons.push(hit);
      setTimeout(() => beacons.shift(), POLICY_MS);
    } else if (!safe(() => fetch(url, how).catch(() => pixel(hit)))()) pixel(hit);
  };

  // A beacon that a policy forbids is taken all the same, and only this tells of it.
  listen(document, "securitypolicyviolation", (event) => {
    const ours = base.startsWith(event.blockedURI.slice(0, base.length));
    if (!ours || event.disposition == "report" || event.effectiveDirective != "connect-src") return;
    forbidden = true;
    beacons.splice(0).forEach(pixel);
  });

  const send = (path, what) => {
    // A page that is loaded in advance may never be seen.
    if (document.prerendering)
      return listen(document, "prerenderingchange", () => send(path, what));
    const hit = {
      d: settings.site || location.hostname,
      u: address(),
      r: referrer,
      t: document.title,
      w: screen.width,
      l: navigator.language,
      h: +on("hash"),
      signed_in: settings.signedIn,
      viewer: settings.viewer,
      s: 1,
      ...what,
    };
    const reason = refusal(new URL(hit.u));
    log(reason || path, hit);
    if (!reason) post(base + "api/" + path, hit);
  };

  // --- Views

  const count = () => {
    clearTimeout(timer);
    timer = 0;
    send("event", { n: "pageview", ...waiting });
    referrer = waiting.u;
    waiting = 0;
    if (!started) {
      started = true;
      watch();
    }
  };
  const wait = () => {
    if (document.visibilityState != "visible") timer && count();
    else if (waiting && !timer) timer = setTimeout(safe(count), started ? NEXT_MS : FIRST_MS);
  };
  const expect = () => {
    current = page(location);
    waiting = { u: address(), r: referrer };
    wait();
  };
  const navigate = safe(() => {
    if (page(location) == current) return;
    // Until the first view is counted, a change of address is a redirection.
    if (timer && started) count();
    expect();
  });

  // --- Events

  const event = safe((name, properties, value) =>
    send("event", { n: String(name), p: properties, value }),
  );

  const click = (clicked) => {
    const link = clicked.target.closest("a[href]");
    if (!link || clicked.button > 1 || !/^http/.test(link.href)) return;
    const kinds = words(settings.download || DOWNLOADS);
    const file = link.hasAttribute("download") || kinds.includes(link.pathname.split(".").pop().toLowerCase());
    const name =
      file && on("download")
        ? "download"
        : on("outbound") && link.host != location.host && "outbound";
    if (name) event(name, { url: link.href.split(/[?#]/)[0] });
  };

  // --- Content: elements that say what they are, each once when it is seen

  let seen = new WeakMap();
  let finding = 0;
  let observer;

  const visible = safe((entries) =>
    entries.forEach(({ isIntersecting, target }) => {
      if (!isIntersecting) return;
      observer.unobserve(target);
      const { contentType, contentId, viewType, viewSource, owner } = target.dataset;
      send("track-view/", {
        content_type: contentType,
        content_id: contentId,
        view_type: viewType,
        view_source: viewSource,
        owner,
      });
    }),
  );
  const find = safe(() => {
    finding = 0;
    document.querySelectorAll("[data-analytics-track][data-content-id]").forEach((element) => {
      const id = element.dataset.contentId;
      // Frameworks use an element again for the next item.
      if (seen.get(element) != id) observer.observe(element);
      seen.set(element, id);
    });
  });
  const watch = () => {
    observer = new IntersectionObserver(visible);
    find();
    new MutationObserver(() => {
      finding = finding || setTimeout(find, NEXT_MS);
    }).observe(document, {
      childList: true,
      subtree: true,
      attributeFilter: ["data-analytics-track", "data-content-id"],
    });
  };

  // --- Start

  window.tallylog = event;
  event.version = VERSION;
  safe(() => {
    base = settings.endpoint || script.src.replace(/[^/]*$/, "");
    base = new URL(base.replace(/\/*$/, "/"), location).href;
    toggle();
    ["pushState", "replaceState"].forEach((name) => {
      const original = history[name];
      history[name] = function () {
        original.apply(this, arguments);
        navigate();
      };
    });
    listen(window, "popstate hashchange", () => {
      toggle();
      navigate();
    });
    listen(window, "pageshow", (shown) => {
      if (!shown.persisted) return;
      seen = new WeakMap();
      find();
      expect();
    });
    listen(document, "visibilitychange", wait);
    listen(window, "pagehide", () => timer && count());
    listen(document, "click auxclick", click);
    expect();
    (early.q || []).forEach((given) => event(...given));
  })();
})(document, navigator, location);
