import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { Address, html, segment, visible } from '../../src/pages/html.ts';

/** What people send: markup, quotes, characters that hide or turn others around. */
const hostile = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({
    unit: fc.constantFrom(
      '<',
      '>',
      '"',
      "'",
      '&',
      '/',
      '=',
      'a',
      ' ',
      '\u202e',
      '\u0000',
      '\ud800',
    ),
  }),
  fc.constantFrom('<img src=x onerror=alert(1)>', '"><script>', '&lt;', '</title>'),
);

/** The text that a browser shows of escaped HTML. */
const shownBy = (escaped: string): string =>
  escaped
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&amp;', '&');

suite('a template', () => {
  test('shows any text as that text, in an element and in an attribute', () => {
    fc.assert(
      fc.property(hostile, (text) => {
        const inElement = /^<b>([^<>"']*)<\/b>$/.exec(String(html`<b>${text}</b>`))?.[1];
        const inAttribute = /^<b title="([^<>"']*)">$/.exec(String(html`<b title="${text}">`))?.[1];
        assert.equal(shownBy(inElement ?? assert.fail()), visible(text));
        assert.equal(inAttribute, inElement);
      }),
    );
  });

  test('takes in as it is only what a template made', () => {
    const bold = html`<b>1</b>`;
    assert.equal(
      String(html`${bold}${[bold, '<']}${2}${undefined}${false}`),
      '<b>1</b><b>1</b>&lt;2',
    );
    const forged = { toString: () => '<script>' };
    // @ts-expect-error: the compiler refuses it too
    assert.throws(() => html`${forged}`);
  });

  test('refuses an attribute without quotes, and values in a script', () => {
    assert.throws(() => html`<b title=${'x'}>`, /quote the attribute/);
    assert.throws(() => html`<script>let x = "${'x'}"</script>`, /no values in scripts/);
  });

  test('takes an address only from Address', () => {
    assert.throws(() => html`<a href="${'javascript:alert(1)'}">`, /must be made by Address/);
    assert.throws(() => html`<form action="${'/x'}">`, /must be made by Address/);
    assert.equal(
      String(html`<a href="${Address.own('/x', 'a=1&b=2')}">`),
      '<a href="/x?a=1&amp;b=2">',
    );
  });
});

suite('an address', () => {
  test('of another server is http or https', () => {
    assert.equal(Address.foreign('https://a.example/?q="<')?.text, 'https://a.example/?q=%22%3C');
    for (const text of [
      'javascript:alert(1)',
      ' https://x',
      'data:text/html,x',
      '//x',
      'http://',
      'vbscript:x',
      'java\nscript:x',
      'HTTPS:x',
    ]) {
      assert.equal(Address.foreign(text), undefined, text);
    }
  });

  test('of any text is http or https, or none', () => {
    fc.assert(
      fc.property(fc.oneof(hostile, fc.webUrl()), (text) => {
        const address = Address.foreign(text);
        if (address !== undefined) assert.match(new URL(address.text).protocol, /^https?:$/);
      }),
    );
  });

  test('of this server never names another one', () => {
    for (const path of ['//evil.example', '/\\evil.example', 'evil', 'javascript:x', '']) {
      assert.throws(() => Address.own(path), path);
    }
    fc.assert(
      fc.property(hostile, (text) => {
        const { text: path } = Address.own(`/occurrences/${segment(text)}/x`);
        const { host, pathname } = new URL(path, 'http://board.example');
        assert.equal(host, 'board.example');
        assert.match(pathname, /^\/occurrences\/[^/]*\/x$/);
        const part = pathname.split('/')[2] ?? '';
        assert.equal(decodeURIComponent(part), text.toWellFormed());
      }),
    );
  });
});

suite('a text with characters that nobody sees', () => {
  const cases: [text: string, shown: string][] = [
    ['a\u202eb', 'a\\u202eb'],
    ['a\u2066b\u2069', 'a\\u2066b\\u2069'],
    ['nul\u0000', 'nul\\u0000'],
    ['\u001b[31mred', '\\u001b[31mred'],
    ['zero\u200bwidth\ufeff', 'zero\\u200bwidth\\ufeff'],
    ['line\u2028break', 'line\\u2028break'],
    ['half \ud800', 'half \\ud800'],
    ['tag \u{e0041}', 'tag \\u{e0041}'],
    ['two\nlines\tand a tab', 'two\nlines\tand a tab'],
    ['crash \u{1f469}\u200d\u{1f692} Größe 数', 'crash \u{1f469}\u200d\u{1f692} Größe 数'],
  ];
  for (const [text, shown] of cases) {
    test(`${JSON.stringify(text)} shows them as escapes`, () => assert.equal(visible(text), shown));
  }
});
