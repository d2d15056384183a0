/**
 * Asks the service worker to keep a file that only this visit has needed so
 * far, as soon as there is one: on a first visit it comes after the page.
 */
export function keep(file: URL): void {
  void navigator.serviceWorker?.ready.then(r => r.active?.postMessage({ keep: [file.href] }));
}
