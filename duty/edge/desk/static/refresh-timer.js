// A page of figures that is drawn anew every 15 s (or as its body says) while it is looked at.

import { clock, nowMs, texts, whenLifted } from "./frame.js";

let asked = 0;
let shown = 0;
let timer = 0;
let liveMs = nowMs();

/** What stands there is old, and since when; with the next answer it is live again. */
async function goStale(number) {
  const t = await texts("common");
  if (number < shown) return;
  document.getElementById("stale-since").textContent = t("not_live_since", { time: clock(liveMs, true) });
  document.getElementById("stale-what").textContent = t("not_live_what");
  document.getElementById("stale").hidden = false;
}

function draw(drawn, number) {
  // An answer that was overtaken on its way is older than what is there.
  if (number < shown) return;
  shown = number;
  liveMs = nowMs();
  document.getElementById("stale").hidden = true;
  document.getElementById("main").innerHTML = drawn.getElementById("main").innerHTML;
  // What is finished is drawn no more: whoever unfolded something of it keeps it.
  if (!drawn.querySelector('script[src$="/refresh-timer.js"]')) {
    clearInterval(timer);
    shown = Infinity;
  }
}

async function redraw() {
  if (document.hidden || document.body.contains(document.querySelector("form:focus-within"))) return;
  asked += 1;
  const number = asked;
  try {
    const answer = await fetch(location.href, { credentials: "same-origin" });
    // The log-in ended: its own page says so.
    if (answer.redirected) {
      whenLifted(() => location.reload());
      return;
    }
    if (!answer.ok) throw new Error(String(answer.status));
    const drawn = new DOMParser().parseFromString(await answer.text(), "text/html");
    whenLifted(() => draw(drawn, number));
  } catch (error) {
    goStale(number);
  }
}

timer = setInterval(redraw, Number(document.body.dataset.everyS || 15) * 1000);
