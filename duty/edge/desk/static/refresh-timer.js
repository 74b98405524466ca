// A page of figures that is drawn anew every 15 s (or as its body says) while it is looked at.

import "./frame.js";

async function redraw() {
  if (document.hidden || document.body.contains(document.querySelector("form:focus-within"))) return;
  try {
    const answer = await fetch(location.href, { credentials: "same-origin" });
    if (!answer.ok || answer.redirected) return;
    const drawn = new DOMParser().parseFromString(await answer.text(), "text/html");
    document.getElementById("main").innerHTML = drawn.getElementById("main").innerHTML;
  } catch (error) {
    const banner = document.getElementById("stale");
    banner.hidden = false;
    document.getElementById("stale-since").textContent = String(error.message || error);
  }
}

setInterval(redraw, Number(document.body.dataset.everyS || 15) * 1000);
