// One live connection of the page.  An old picture is never shown as a live one: without a beat for 12 s it says so.

import { clock, nowMs, setNow, texts, whenLifted } from "./frame.js";
import { lostSound } from "./sound.js";

const DEAD_MS = 12000;
const body = document.body;
const line = document.getElementById("live");
const banner = document.getElementById("stale");

let source = null;
let beatAt = Date.now();
let liveMs = nowMs();
let stale = false;
let lastId = body.dataset.after || "";
let retryMs = 1000;
let retryTimer = 0;
let t = (key) => key;
let handlers = {};

function show(state, text) {
  if (!line) return;
  line.dataset.state = state;
  line.lastElementChild.textContent = text;
}

function goStale() {
  if (stale) return;
  stale = true;
  const text = t("not_live_since", { time: clock(liveMs, true) });
  body.classList.add("is-stale");
  show("stale", text);
  if (banner) {
    document.getElementById("stale-since").textContent = text;
    document.getElementById("stale-what").textContent = t("not_live_what");
    banner.hidden = false;
  }
  lostSound();
}

function alive(now) {
  beatAt = Date.now();
  if (now) setNow(now);
  liveMs = nowMs();
  retryMs = 1000;
  stale = false;
  body.classList.remove("is-stale");
  if (banner) banner.hidden = true;
  show("live", t("live"));
}

function connect() {
  clearTimeout(retryTimer);
  if (source) source.close();
  const query = new URLSearchParams({
    screen: body.dataset.live,
    after: lastId,
    key: body.dataset.key || "",
    grid: body.dataset.grid || "",
  });
  source = new EventSource("/live?" + query.toString());
  const mine = source;
  const on = (name, act) => {
    source.addEventListener(name, (event) => {
      if (mine !== source) return;
      if (event.lastEventId) lastId = event.lastEventId;
      act(JSON.parse(event.data));
    });
  };
  on("beat", (data) => {
    alive(data.now_ms);
    if (handlers.beat) handlers.beat(data);
  });
  on("old", (data) => {
    // The desk is there, but has heard nothing from the core: what it shows is old too.
    beatAt = Date.now();
    liveMs = data.since_ms || liveMs;
    goStale();
  });
  on("end", () => {
    location.href = "/login?ended=1";
  });
  on("fresh", () => whenLifted(() => location.reload()));
  Object.keys(handlers).forEach((name) => {
    if (name !== "beat") on(name, (data) => whenLifted(() => handlers[name](data)));
  });
  source.onerror = () => {
    if (mine !== source) return;
    if (source.readyState === EventSource.CLOSED) again();
  };
}

function again() {
  clearTimeout(retryTimer);
  retryTimer = setTimeout(connect, retryMs + Math.random() * 500);
  retryMs = Math.min(retryMs * 1.7, 15000);
}

function watch() {
  const quiet = Date.now() - beatAt;
  if (quiet > DEAD_MS) {
    goStale();
    if (quiet > DEAD_MS * 2 || !source || source.readyState === EventSource.CLOSED) {
      beatAt = Date.now() - DEAD_MS;
      connect();
    }
  }
}

/** Begin: handlers by the name of the event; each is given its data. */
export async function goLive(given) {
  handlers = given;
  t = await texts("common");
  connect();
  setInterval(watch, 1000);
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) watch();
  });
  window.addEventListener("online", connect);
  window.addEventListener("offline", () => {
    // What was still on its way would make the picture live again for as long as a silence is borne.
    if (source) source.close();
    source = null;
    beatAt = Math.min(beatAt, Date.now() - DEAD_MS);
    goStale();
  });
}
