/** The playground page: the element, and the service worker that keeps it for offline use. */
import './play/skep-play';

if ('serviceWorker' in navigator && !SKEP_FAKE) {
  window.addEventListener('load', () => {
    // Failing is fine: private windows and plain http have none.
    navigator.serviceWorker.register(new URL('sw.js', import.meta.url)).catch(() => {});
  });
}
