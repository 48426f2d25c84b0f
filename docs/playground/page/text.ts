// Which text is learned: one of the page's, or one's own by typing, pasting, a file or dropping it.

import { count } from '../format.ts';
import { pack, unpack } from '../pack.ts';
import type { Asked, Event, TextInfo } from '../protocol.ts';
import type { TextName } from '../settings.ts';
import { at, say, settled } from './dom.ts';
import type { Session } from './session.ts';
import type { Store } from './store.ts';
import { attempt } from './trouble.ts';

/** A file larger than this is not even read. */
const MAX_FILE = 2 ** 25;

export class TextView {
  info: TextInfo | undefined;
  /** Ends when the text that was chosen last is in the worker, or was refused. */
  ready: Promise<void> = Promise.resolve();
  private own = new Uint8Array(0);
  /** Texts that were chosen so far. */
  private turn = 0;
  private readonly area = at<HTMLTextAreaElement>('own-text');
  private readonly file = at<HTMLInputElement>('own-file');

  constructor(
    private readonly store: Store,
    private readonly session: Session<Asked, Event>,
    /** Hears that there is another text. */
    private readonly hear: () => void,
  ) {
    for (const radio of this.radios)
      radio.addEventListener('change', () => this.choose(radio.value as TextName));
    const typed = settled(300, () => {
      const bytes = new TextEncoder().encode(this.area.value);
      this.ready = attempt(() => this.takeOwn(bytes));
    });
    this.area.addEventListener('input', typed);
    this.file.addEventListener('change', () => this.takeFile(this.file.files?.[0]));
    this.takeDrops(at('setup'));
  }

  private get radios(): HTMLInputElement[] {
    return [...document.querySelectorAll<HTMLInputElement>('input[name=text]')];
  }

  /** Begins with what the address says. */
  begin(): Promise<void> {
    this.ready = attempt(() => this.fromAddress());
    return this.ready;
  }

  private async fromAddress(): Promise<void> {
    const { settings, packed } = this.store.address;
    this.mark(settings.text);
    if (packed !== undefined && settings.text === 'own') {
      this.own = new Uint8Array(await unpack(packed));
      this.area.value = new TextDecoder().decode(this.own);
    }
    await this.send(settings.text);
  }

  private takeDrops(home: HTMLElement): void {
    home.addEventListener('dragover', (event) => {
      event.preventDefault();
      home.classList.add('dropping');
    });
    home.addEventListener('dragleave', () => home.classList.remove('dropping'));
    home.addEventListener('drop', (event) => {
      event.preventDefault();
      home.classList.remove('dropping');
      if (!this.area.disabled) this.takeFile(event.dataTransfer?.files[0]);
    });
  }

  private choose(name: TextName): void {
    this.store.change({ packed: undefined, textSha256: undefined });
    this.store.set({ text: name });
    this.ready = attempt(() => this.send(name));
  }

  private takeFile(file: File | undefined): void {
    if (file === undefined) return;
    this.ready = attempt(async () => {
      if (file.size > MAX_FILE) {
        const error = new Error(
          `the file has ${count(file.size / 2 ** 20)} MiB, expected at most ${MAX_FILE / 2 ** 20}`,
        );
        throw Object.assign(error, { hint: 'give a part of it, or use the command line' });
      }
      const bytes = new Uint8Array(await file.arrayBuffer());
      if (bytes.length < 2 ** 18) this.area.value = new TextDecoder().decode(bytes);
      else this.area.value = '';
      await this.takeOwn(bytes);
    });
  }

  /** If it is the text that a link asks for, the link's digest stays what is compared with. */
  private async takeOwn(bytes: Uint8Array): Promise<void> {
    this.own = new Uint8Array(bytes);
    const { textSha256: wanted, settings } = this.store.address;
    this.store.change({ settings: { ...settings, text: 'own' } });
    await this.send('own');
    if (wanted !== undefined && wanted === this.info?.sha256) return;
    this.store.set({ text: 'own' });
    if (wanted === undefined || this.info === undefined) return;
    const note = at('text-note');
    say(note, `${note.textContent}. It is not the text that the link asks for`);
  }

  private mark(name: TextName): void {
    for (const radio of this.radios) radio.checked = radio.value === name;
    at('own').hidden = name !== 'own';
  }

  private async send(name: TextName): Promise<void> {
    const own = name === 'own';
    const turn = ++this.turn;
    this.mark(name);
    this.info = undefined;
    if (own && this.own.length === 0) return this.wait();
    const given = { name, ...(own ? { bytes: this.own } : {}) };
    const info = await this.session.ask('text', given);
    if (turn !== this.turn) return; // another one was chosen meanwhile
    this.show(info);
    if (own) await this.address();
    this.hear();
  }

  /** There is no text yet. */
  private wait(): void {
    const { textSha256 } = this.store.address;
    const wanted =
      textSha256 === undefined ? '' : ` The link asks for the text ${textSha256.slice(0, 16)}…`;
    say(at('text-note'), `Paste a text, choose a file or drop one here.${wanted}`);
    say(at('text-start'), '');
    this.hear();
  }

  /** The text that the worker has; a loaded run brings its own. */
  show(info: TextInfo): void {
    this.info = info;
    this.mark(info.name);
    const { tokens, vocabulary, kind, start } = info;
    const unit = kind === 'bytes' ? 'bytes' : 'characters';
    say(at('text-note'), `${count(tokens)} ${unit}, ${vocabulary} different ones`);
    say(at('text-start'), start);
  }

  /** A short text becomes part of the address, a long one leaves its digest there. */
  private async address(): Promise<void> {
    const packed = await pack(this.own);
    const textSha256 = packed === undefined ? this.info?.sha256 : undefined;
    this.store.change({ packed, textSha256 });
  }
}
