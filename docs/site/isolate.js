// Where the host sends no headers of isolation: begins the service worker that adds them, and
// loads the page once more, which then has threads. No page tries it a second time in a tab, and
// without it the page works on one thread.
(() => {
  const workers = navigator.serviceWorker;
  if (globalThis.crossOriginIsolated !== false || !isSecureContext || !workers) return;
  const TRIED = `retrograd-isolation ${location.pathname}`;
  const here = document.currentScript.src;
  const isFirst = () => {
    try {
      if (sessionStorage.getItem(TRIED) !== null) return false;
      sessionStorage.setItem(TRIED, 'yes');
      return true;
    } catch {
      return false; // no storage: it could go on for ever
    }
  };
  if (!isFirst()) return;
  const again = () => location.reload();
  if (workers.controller !== null) return again(); // of an earlier visit, after a forced reload
  workers.addEventListener('controllerchange', again, { once: true });
  workers.register(new URL('isolation.js', here), { scope: './' }).catch(() => undefined);
})();
