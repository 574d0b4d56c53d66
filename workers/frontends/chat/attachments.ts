/** Text files beside a message. A model reads them as further parts of what was said, each under its name. */
export type Attachment = { readonly name: string; readonly text: string };

export const MaxFiles = 5;
export const MaxFileBytes = 200_000;

const header = /^File "([^"\n]{1,200})":\n\n/;

export type Refusal = 'image' | 'binary' | 'size' | 'count';

/** The file's text, or why it is not taken. */
export async function readAttachment(file: File, held: number): Promise<Attachment | Refusal> {
  if (file.type.startsWith('image/')) return 'image';
  if (held >= MaxFiles) return 'count';
  if (file.size > MaxFileBytes) return 'size';
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(await file.arrayBuffer());
    if (text.includes('\0')) return 'binary';
    return { name: file.name.replaceAll(/["\n\r]/g, ' ').slice(0, 200) || 'file', text };
  } catch {
    return 'binary';
  }
}

export function toPart({ name, text }: Attachment): string {
  return `File "${name}":\n\n${text}`;
}

/** What was said and the files with it, out of the parts of a message. */
export function fromParts(parts: readonly string[]): { readonly text: string; readonly files: readonly Attachment[] } {
  const files: Attachment[] = [];
  const said: string[] = [];
  for (const [at, part] of parts.entries()) {
    const name = at > 0 ? header.exec(part)?.[1] : undefined;
    if (name === undefined) said.push(part);
    else files.push({ name, text: part.replace(header, '') });
  }
  return { text: said.join('\n'), files };
}
