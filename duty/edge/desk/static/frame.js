// What every page does: texts, forms that answer in place, messages, ages that count, the sound switch.

export const language = document.body.dataset.language === "en" ? "en" : "zh";

const serverNow = Number(document.body.dataset.now);
let offset = serverNow - Date.now();

/** Milliseconds UTC by the desk's clock: a phone's own may be wrong. */
export function nowMs() {
  return Date.now() + offset;
}

/** A beat told the desk's time. */
export function setNow(ms) {
  offset = ms - Date.now();
}

const loaded = {};

/** The rows of a screen's sentences.  A line that broke just then is tried again: without them the page would be dumb. */
async function rowsOf(screen) {
  for (;;) {
    try {
      const answer = await fetch("/texts/" + screen + "." + language + ".json");
      if (answer.ok) return await answer.json();
    } catch (error) {
      // Not now.
    }
    await new Promise((done) => setTimeout(done, 1000));
  }
}

/** The sentences of a screen: t("live"), t("ago_m", {m: 3, s: 5}). */
export async function texts(screen) {
  if (!loaded[screen]) loaded[screen] = rowsOf(screen);
  const rows = await loaded[screen];
  return (key, values) => {
    const row = rows[key] === undefined ? key : rows[key];
    return row.replace(/\{(\w+)\}/g, (whole, name) => (values && name in values ? String(values[name]) : whole));
  };
}

let t = (key) => key;
const ready = texts("common").then((found) => {
  t = found;
});

let hideToast = 0;

/** Say something at the foot of the screen. */
export function toast(text, well) {
  const place = document.getElementById("toast");
  place.textContent = text;
  place.classList.toggle("ill", well === false);
  place.hidden = false;
  clearTimeout(hideToast);
  hideToast = setTimeout(() => {
    place.hidden = true;
  }, well === false ? 9000 : 5000);
}

/** A duration as people say it. */
export function age(ms) {
  const s = Math.max(0, Math.floor(ms / 1000));
  if (s < 60) return t("ago_s", { s: s });
  const m = Math.floor(s / 60);
  if (m < 60) return t("ago_m", { m: m, s: s % 60 });
  const h = Math.floor(m / 60);
  if (h < 24) return t("ago_h", { h: h, m: m % 60 });
  return t("ago_d", { d: Math.floor(h / 24), h: h % 24 });
}

/** HH:MM:SS by the clocks of the site, whatever zone this device is set to. */
export function clock(ms, withSeconds) {
  const moment = new Date(ms + Number(document.body.dataset.zoneMin || 0) * 60000);
  const two = (n) => (n < 10 ? "0" : "") + n;
  const short = two(moment.getUTCHours()) + ":" + two(moment.getUTCMinutes());
  return withSeconds ? short + ":" + two(moment.getUTCSeconds()) : short;
}

function countAges() {
  const now = nowMs();
  const times = document.querySelectorAll("time[data-since]");
  for (let i = 0; i < times.length; i += 1) {
    times[i].textContent = age(now - Number(times[i].dataset.since));
  }
  const face = document.getElementById("clock");
  if (face) face.textContent = clock(now, false);
}

/** Send a form at once and say what became of it; true when it was done. */
export async function sendForm(form, button) {
  const data = new URLSearchParams();
  new FormData(form).forEach((value, key) => data.append(key, value));
  if (button && button.name) data.append(button.name, button.value);
  const buttons = Array.from(form.querySelectorAll("button"));
  buttons.forEach((each) => {
    each.disabled = true;
  });
  try {
    const answer = await fetch(form.action, {
      method: "POST",
      body: data,
      headers: { Accept: "application/json" },
      credentials: "same-origin",
    });
    if (answer.status === 401) {
      location.href = "/login?ended=1";
      return false;
    }
    const said = await answer.json();
    toast(said.text, said.well);
    return said.well;
  } catch (error) {
    toast(navigator.onLine ? t("failed") : t("offline"), false);
    return false;
  } finally {
    buttons.forEach((each) => {
      each.disabled = false;
    });
  }
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.hasAttribute("data-act")) return;
  event.preventDefault();
  sendForm(form, event.submitter || form._pressed).then((well) => {
    form._pressed = null;
    form.dispatchEvent(new CustomEvent(well ? "act-done" : "act-failed", { bubbles: true }));
    if (well && form.dataset.then === "reload") location.reload();
  });
});
// Browsers of 2019 do not say which button sent a form.
document.addEventListener("click", (event) => {
  const button = event.target.closest ? event.target.closest("button") : null;
  if (button && button.form) button.form._pressed = button;
});

// While a finger is down nothing is drawn anew under it: the button it came down on would be gone when it is lifted, and
// the tap with it.
const HELD_MS = 2000;
const CLICK_MS = 100; // of a finger the click comes a moment after it was lifted
const held = [];
let pressed = 0;
let lifted = 0;

function release() {
  clearTimeout(pressed);
  pressed = 0;
  while (held.length) held.shift()();
}

/** Draw something anew: now, or once the finger that is down was lifted. */
export function whenLifted(draw) {
  if (pressed) held.push(draw);
  else draw();
}

document.addEventListener("pointerdown", () => {
  // The finger of a tap just before is not the one that is down now.
  clearTimeout(lifted);
  clearTimeout(pressed);
  pressed = setTimeout(release, HELD_MS);
}, true);
["pointerup", "pointercancel"].forEach((name) => {
  document.addEventListener(name, () => {
    clearTimeout(lifted);
    lifted = setTimeout(release, CLICK_MS);
  }, true);
});

ready.then(() => {
  countAges();
  setInterval(countAges, 1000);
});

const filter = document.querySelector("[data-filter]");
if (filter) {
  filter.addEventListener("input", () => {
    const wanted = filter.value.trim().toLowerCase();
    const rows = document.querySelectorAll(filter.dataset.filter);
    for (let i = 0; i < rows.length; i += 1) {
      rows[i].hidden = wanted !== "" && rows[i].textContent.toLowerCase().indexOf(wanted) < 0;
    }
  });
}

const printer = document.querySelector("[data-print]");
if (printer) printer.addEventListener("click", () => window.print());
