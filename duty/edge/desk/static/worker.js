// Keeps the checkpoint's page and its scripts for when the network is gone.  Nothing else of the desk is kept: an old
// board is worse than none.

const KEPT = "threshold-checkpoint-1";
let entered = 0; // how often somebody logged in or out: what was asked for before is not kept after
const PAGE = /^\/g\/[^/]+\/c\/[^/]+$/;

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => {
  event.waitUntil(
    caches
      .keys()
      .then((names) => Promise.all(names.filter((name) => name !== KEPT).map((name) => caches.delete(name))))
      .then(() => self.clients.claim())
  );
});

function keeps(url) {
  return url.origin === location.origin && (PAGE.test(url.pathname) || url.pathname.indexOf("/static/") === 0 || url.pathname.indexOf("/texts/") === 0);
}

self.addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  // Whoever logs out (or logs in anew) on this phone takes the kept page along.
  if (url.pathname === "/login" || url.pathname === "/logout") {
    entered += 1;
    event.waitUntil(caches.delete(KEPT));
    return;
  }
  if (event.request.method !== "GET" || !keeps(url)) return;
  const before = entered;
  event.respondWith(
    fetch(event.request)
      .then((answer) => {
        if (answer.ok && !answer.redirected && before === entered) {
          const copy = answer.clone();
          event.waitUntil(caches.open(KEPT).then((kept) => kept.put(event.request, copy)));
        }
        return answer;
      })
      .catch(() => caches.match(event.request).then((kept) => kept || Response.error()))
  );
});
