/** A transcription as the multipart form that servers take. */
import { FormData } from 'undici';
import { findObject, findString, type JsonObject } from '../json-object.ts';

export function toAudioForm(body: JsonObject): FormData {
  const { file: _, ...fields } = body;
  const file = findObject(body, 'file');
  const bytes = Buffer.from(findString(file, 'data') ?? '', 'base64');
  const form = new FormData();
  form.append('file', new Blob([bytes], { type: findString(file, 'type') ?? '' }), findString(file, 'name') ?? 'audio');
  for (const [name, value] of Object.entries(fields)) {
    if (Array.isArray(value)) for (const each of value) form.append(`${name}[]`, String(each));
    else if (value !== null && value !== undefined) form.append(name, toText(value));
  }
  return form;
}

function toText(value: unknown): string {
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}
