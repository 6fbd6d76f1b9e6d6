/** HTML that is safe to send. Only {@link html} and {@link attributes of it} make it, so nothing else goes in unescaped. */
export class Html {
  readonly #text: string;

  private constructor(text: string) {
    this.#text = text;
  }

  /** Fills a template. Texts are escaped; an address must be an {@link Address}. */
  static of(strings: TemplateStringsArray, ...values: readonly Content[]): Html {
    const places = placesOf(strings);
    let text = strings[0] ?? '';
    values.forEach((value, index) => {
      text += places[index] === 'address' ? addressIn(value) : contentOf(value);
      text += strings[index + 1] ?? '';
    });
    return new Html(text);
  }

  toString(): string {
    return this.#text;
  }
}

export const html = Html.of;

export type Content = Html | Address | string | number | undefined | false | readonly Content[];

/** An address that a link or a form may have: a path of this server, or http or https. */
export class Address {
  readonly text: string;

  private constructor(text: string) {
    this.text = text;
  }

  /** A path of this server. Each part between slashes must be encoded by {@link segment}. */
  static own(path: string, query = ''): Address {
    // Two slashes, or a slash and a backslash, would name another server.
    if (!/^\/(?![/\\])/.test(path)) throw new Error(`no path of this server: ${path}`);
    return new Address(query === '' ? path : `${path}?${query}`);
  }

  /** Undefined where the text is no http or https URL: alert text can be `javascript:`. */
  static foreign(text: string): Address | undefined {
    if (!/^https?:\/\//i.test(text) || !URL.canParse(text)) return undefined;
    return new Address(new URL(text).href);
  }
}

/** A part of a path that may be any text. Dots alone would change the path. */
export function segment(text: string): string {
  const encoded = encodeURIComponent(text.toWellFormed()).replaceAll('%3A', ':');
  return /^\.{1,2}$/.test(encoded) ? encoded.replaceAll('.', '%2E') : encoded;
}

/**
 * A text as it is shown: characters that are invisible or change the order of others become escapes such
 * as `\u202e`. Left are line breaks, tabs and the joiners that emoji and some scripts are written with.
 */
export function visible(text: string): string {
  return text.replace(HIDDEN, (character) => {
    const code = character.codePointAt(0) ?? 0;
    return code > 0xffff ? `\\u{${code.toString(16)}}` : `\\u${code.toString(16).padStart(4, '0')}`;
  });
}

const HIDDEN = /(?![\t\n\u200c\u200d])[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function contentOf(value: Content): string {
  if (value === undefined || value === false) return '';
  if (value instanceof Html) return value.toString();
  if (typeof value === 'string') return escaped(value);
  if (typeof value === 'number') return String(value);
  if (value instanceof Address) return escaped(value.text);
  return value.map(contentOf).join('');
}

function addressIn(value: Content): string {
  if (value instanceof Address) return escaped(value.text);
  throw new Error('an address must be made by Address: any other text could be javascript:');
}

const escaped = (text: string): string =>
  visible(text).replace(/[&<>"']/g, (character) => ENTITIES[character] ?? '');

type Place = 'text' | 'address';

const known = new WeakMap<TemplateStringsArray, readonly Place[]>();

/** Looks at each template once. */
function placesOf(strings: TemplateStringsArray): readonly Place[] {
  const places = known.get(strings) ?? strings.slice(0, -1).map(placeAfter);
  known.set(strings, places);
  return places;
}

/** What follows this part of a template. @throws where escaping would not help */
function placeAfter(part: string): Place {
  if (/=\s*$/.test(part)) throw new Error(`quote the attribute: ${part}`);
  if (/<(script|style)\b[^>]*>[^<]*$/i.test(part)) throw new Error(`no values in scripts: ${part}`);
  return /\b(href|action|formaction|src)="$/i.test(part) ? 'address' : 'text';
}
