// A page of figures that is drawn anew every 15 s (or as its body says) while it is looked at.

import { whenLifted } from "./frame.js";

let asked = 0;
let shown = 0;
let timer = 0;

function draw(drawn, number) {
  // An answer that was overtaken on its way is older than what is there.
  if (number < shown) return;
  shown = number;
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
    if (!answer.ok || answer.redirected) return;
    const drawn = new DOMParser().parseFromString(await answer.text(), "text/html");
    whenLifted(() => draw(drawn, number));
  } catch (error) {
    const banner = document.getElementById("stale");
    banner.hidden = false;
    document.getElementById("stale-since").textContent = String(error.message || error);
  }
}

timer = setInterval(redraw, Number(document.body.dataset.everyS || 15) * 1000);
