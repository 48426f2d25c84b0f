// A browser that was started without a language may name one that Intl refuses (WebKitGTK: 'c'),
// and uPlot asks Intl for it when it is loaded. So this is imported before.

function known(language: string): string {
  try {
    return new Intl.NumberFormat(language).resolvedOptions().locale;
  } catch {
    Object.defineProperty(navigator, 'language', { value: 'en' });
    return 'en';
  }
}

/** What numbers are written in. */
export const LANGUAGE = known(navigator.language);
