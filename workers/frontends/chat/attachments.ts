/**
 * Files beside a message. A model reads text files as further parts of what was said, each under its name; an image goes
 * as one, made small enough on the device, where the model takes images.
 */
export type TextFile = { readonly kind: 'text'; readonly name: string; readonly text: string };
/** `url` is a data URL of its bytes. */
export type Picture = { readonly kind: 'image'; readonly name: string; readonly url: string };
export type Attachment = TextFile | Picture;

export const MaxFiles = 5;
export const MaxFileBytes = 200_000;
export const MaxImageBytes = 20_000_000;

const header = /^File "([^"\n]{1,200})":\n\n/;
/** What is not in the message itself is never fetched. */
const pictureUrl = /^data:image\/\w+;base64,/;

export type Refusal = 'image' | 'binary' | 'size' | 'count';

/** An image as a data URL that is small enough to be sent. Rejects what is no image. */
export type Shrink = (file: File) => Promise<string>;

/** The file as it is sent, or why it is not taken. `shrink`: undefined where images are not taken at all. */
export async function readAttachment(
  file: File,
  held: number,
  shrink: Shrink | undefined,
): Promise<Attachment | Refusal> {
  const isImage = file.type.startsWith('image/');
  if (isImage && !shrink) return 'image';
  if (held >= MaxFiles) return 'count';
  const name = file.name.replaceAll(/["\n\r]/g, ' ').slice(0, 200) || 'file';
  if (isImage && shrink) {
    if (file.size > MaxImageBytes) return 'binary';
    return shrink(file).then(
      (url) => ({ kind: 'image', name, url }) as const,
      () => 'binary' as const,
    );
  }
  if (file.size > MaxFileBytes) return 'size';
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: false }).decode(await file.arrayBuffer());
    return text.includes('\0') ? 'binary' : { kind: 'text', name, text };
  } catch {
    return 'binary';
  }
}

export type Part = { readonly type: string; readonly text?: string; readonly image_url?: string };

/** As the Responses API takes it: what was said first. */
export function toParts(text: string, files: readonly Attachment[]): readonly Part[] {
  return [
    { type: 'input_text', text },
    ...files.map((file) =>
      file.kind === 'image'
        ? { type: 'input_image', image_url: file.url }
        : { type: 'input_text', text: `File "${file.name}":\n\n${file.text}` },
    ),
  ];
}

/** What was said and the files with it, out of the parts of a message. */
export function fromParts(parts: readonly Part[]): { readonly text: string; readonly files: readonly Attachment[] } {
  const files: Attachment[] = [];
  const said: string[] = [];
  for (const [at, { type, text = '', image_url: url = '' }] of parts.entries()) {
    if (type === 'input_image') {
      if (pictureUrl.test(url)) files.push({ kind: 'image', name: '', url });
      continue;
    }
    const name = at > 0 ? header.exec(text)?.[1] : undefined;
    if (name === undefined) said.push(text);
    else files.push({ kind: 'text', name, text: text.replace(header, '') });
  }
  return { text: said.join('\n'), files };
}
