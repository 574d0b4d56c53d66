/**
 * OpenAI's audio: transcription and speech. Between edge and bridge both travel as JSON, so that the tunnel carries them
 * like everything else: a file as base64 inside the request, an answer that is no JSON as a `carriedAnswer`.
 */
import { z } from 'zod';

export const audioFile = z.strictObject({
  name: z.string().max(255).default('audio'),
  type: z.string().max(100).default('application/octet-stream'),
  data: z.base64().min(4),
});
export type AudioFile = z.infer<typeof audioFile>;

const textFormats = ['text', 'srt', 'vtt'] as const;

/** A multipart form, whose members are texts, or the same as JSON. */
export const transcriptionRequest = z.looseObject({
  model: z.string().min(1).max(200),
  file: audioFile,
  language: z.string().max(20).optional(),
  prompt: z.string().max(10_000).optional(),
  response_format: z.enum(['json', 'verbose_json', ...textFormats]).default('json'),
  temperature: z.coerce.number().min(0).max(1).optional(),
  stream: z.union([z.literal(false), z.literal('false')]).optional(),
});
export type TranscriptionRequest = z.infer<typeof transcriptionRequest>;

/** Whether a transcript of this format is a text of its own, not JSON. */
export function isTextFormat(format: unknown): boolean {
  return textFormats.some((each) => each === format);
}

export const transcription = z.looseObject({
  text: z.string(),
  usage: z.object({ type: z.literal('duration'), seconds: z.number() }),
});

export const MaxSpeechCharacters = 4_096;

export const speechRequest = z.looseObject({
  model: z.string().min(1).max(200),
  input: z.string().min(1).max(MaxSpeechCharacters),
  voice: z.union([z.string().min(1).max(200), z.looseObject({ id: z.string() })]),
  response_format: z.enum(['mp3', 'opus', 'aac', 'flac', 'wav', 'pcm']).nullish(),
  speed: z.number().min(0.25).max(4).nullish(),
  instructions: z.string().max(MaxSpeechCharacters).nullish(),
  stream_format: z.literal('audio').nullish(),
});

export const TextMedia = 'text/plain; charset=utf-8';
const media = z.string().regex(/^audio\/[\w.+-]{1,64}$/);
/** Audio or text alone: nothing that a browser would run. */
export const carriedAnswer = z.object({ media: z.union([media, z.literal(TextMedia)]), data: z.base64() });
export type CarriedAnswer = z.infer<typeof carriedAnswer>;
