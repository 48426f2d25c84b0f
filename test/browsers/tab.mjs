// What the checks do in a page of any browser, by its elements.

/** Milliseconds between two looks. */
const EVERY = 100;
const SECONDS = 180;

const wait = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

export class Tab {
  constructor(browser) {
    this.browser = browser;
  }

  /** Another page, loaded anew: the same one with another # would not be. */
  async goto(url) {
    await this.browser.goto('about:blank');
    await this.browser.goto(url);
    await this.until(() => document.readyState === 'complete' && document.body.dataset.state);
  }

  evaluate(work, argument) {
    return this.browser.evaluate(work, argument);
  }

  /** Waits until a condition of the page holds, and gives what it gave. */
  async until(condition, argument, seconds = SECONDS) {
    const end = Date.now() + 1000 * seconds;
    for (;;) {
      const found = await this.evaluate(condition, argument);
      if (found) return found;
      if (Date.now() > end)
        throw new Error(`waited ${seconds} s for ${condition}; ${await this.said()}`);
      await wait(EVERY);
    }
  }

  /** What the page complains of, in its own words. */
  said() {
    return this.evaluate(() => document.querySelector('#trouble').textContent.trim());
  }

  text(id) {
    return this.evaluate((name) => document.querySelector(`#${name}`).textContent.trim(), id);
  }

  click(id) {
    return this.evaluate((name) => document.querySelector(`#${name}`).click(), id);
  }

  set(id, value) {
    return this.evaluate(
      ([name, given]) => {
        const element = document.querySelector(`#${name}`);
        element.value = given;
        element.dispatchEvent(new Event('change'));
      },
      [id, String(value)],
    );
  }

  /** Waits for a run's state: idle, running, paused, ended. */
  reach(state) {
    return this.until((wanted) => document.body.dataset.state === wanted, state);
  }

  steps(count) {
    return this.until(
      (n) => Number.parseInt(document.querySelector('#step').textContent, 10) >= n,
      count,
    );
  }

  /** What a button hands to the browser's downloads, as base64. */
  async download(id) {
    await this.evaluate((name) => {
      const make = URL.createObjectURL;
      URL.createObjectURL = (blob) => {
        const reader = new FileReader();
        reader.onload = () => {
          globalThis.handedOut = reader.result.replace(/^.*,/, '');
        };
        reader.readAsDataURL(blob);
        URL.createObjectURL = make;
        return make.call(URL, blob);
      };
      globalThis.handedOut = '';
      // no download is begun: the file is read where it is made
      HTMLAnchorElement.prototype.click = () => undefined;
      document.querySelector(`#${name}`).click();
    }, id);
    return this.until(() => globalThis.handedOut);
  }

  /** Gives a field a file. */
  upload(id, name, base64) {
    return this.evaluate(
      ([field, fileName, content]) => {
        const bytes = Uint8Array.from(atob(content), (character) => character.charCodeAt(0));
        const files = new DataTransfer();
        files.items.add(new File([bytes], fileName));
        const input = document.querySelector(`#${field}`);
        input.files = files.files;
        input.dispatchEvent(new Event('change'));
      },
      [id, name, base64],
    );
  }

  /** Draws with the mouse, on an element, points of a square of `side`. */
  async draw(id, strokes, side) {
    const box = await this.evaluate((name) => {
      const element = document.querySelector(`#${name}`);
      element.scrollIntoView({ block: 'center' });
      const { x, y, width, height } = element.getBoundingClientRect();
      return { x, y, width, height };
    }, id);
    for (const points of strokes)
      await this.browser.drag(
        points.map(([x, y]) => [box.x + (x * box.width) / side, box.y + (y * box.height) / side]),
      );
  }
}
