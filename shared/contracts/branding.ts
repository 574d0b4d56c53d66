/** How a tenant looks to its visitors, and on which sites its chat may stand. */
import { z } from 'zod';
import { parseColor } from '../core/contrast.ts';
import { isoTime } from './common.ts';

export const MaxImageBytes = 200_000;

const color = z.string().refine((text) => parseColor(text) !== undefined, 'a colour as #rrggbb');

/** What an image says it is must be what it is: the first bytes of each kind. */
const imageKinds: Readonly<Record<string, (bytes: string) => boolean>> = {
  'image/png': (bytes) => bytes.startsWith('\x89PNG\r\n\x1a\n'),
  'image/jpeg': (bytes) => bytes.startsWith('\xff\xd8\xff'),
  'image/webp': (bytes) => bytes.startsWith('RIFF') && bytes.slice(8, 12) === 'WEBP',
  'image/gif': (bytes) => bytes.startsWith('GIF8'),
  'image/x-icon': (bytes) => bytes.startsWith('\0\0\x01\0'),
  'image/svg+xml': (bytes) => /^\s*(?:<\?xml[^>]*>\s*)?(?:<!--[\s\S]*?-->\s*)*<svg[\s>]/.test(bytes.slice(0, 2_000)),
};

const image = z
  .string()
  .max(Math.ceil((MaxImageBytes * 4) / 3) + 100, `at most ${MaxImageBytes / 1_000} kB`)
  .refine(isImage, 'an image as a data URL: data:image/png;base64,… (png, jpeg, webp, gif, svg or ico)');

function isImage(url: string): boolean {
  const match = /^data:(image\/[a-z+-]+);base64,([A-Za-z0-9+/]+={0,2})$/.exec(url);
  const [, type = '', base64 = ''] = match ?? [];
  const is = imageKinds[type];
  try {
    return is !== undefined && is(atob(base64));
  } catch {
    return false;
  }
}

const webUrl = z.url({ protocol: /^https?$/, error: 'an http or https address' }).max(500);

/** A web origin, as browsers send it: scheme, host, port where it is not the scheme's own. */
export const origin = z
  .string()
  .max(300)
  .refine((text) => URL.canParse(text) && new URL(text).origin === text && /^https?:/.test(text), {
    error: 'an origin such as https://www.example.com, without a path',
  });

export const brandingSettings = z.strictObject({
  /** Shown in the title and over the chat; the agent's name where it is null. */
  name: z.string().trim().min(1).max(100).nullable(),
  logo: image.nullable(),
  favicon: image.nullable(),
  colors: z.strictObject({
    accent: color,
    background: color.nullable(),
    text: color.nullable(),
    background_dark: color.nullable(),
    text_dark: color.nullable(),
  }),
  font: z.enum(['system', 'serif', 'rounded', 'mono']),
  radius_px: z.number().int().min(0).max(32),
  appearance: z.enum(['auto', 'light', 'dark']),
  /** Further CSS variables of the chat element, by name. A value is one token: it cannot end its declaration. */
  css_variables: z
    .record(
      z.string().regex(/^--freehold-[a-z0-9-]{1,40}$/, 'a name such as --freehold-bubble'),
      z.string().regex(/^[A-Za-z0-9#%.,()/ -]{1,100}$/, 'letters, digits and #%.,()/- only'),
    )
    .refine((all) => Object.keys(all).length <= 40, 'at most 40')
    .refine((all) => !Object.values(all).some((value) => /url\(|image\(/i.test(value)), 'no addresses'),
  legal_links: z.array(z.strictObject({ label: z.string().trim().min(1).max(60), url: webUrl })).max(6),
  powered_by: z.boolean(),
  /** Sites other than the tenant's own host whose pages may hold the chat. */
  allowed_origins: z.array(origin).max(50),
});
export type BrandingSettings = z.infer<typeof brandingSettings>;

export const defaultBranding: BrandingSettings = {
  name: null,
  logo: null,
  favicon: null,
  colors: { accent: '#466a9f', background: null, text: null, background_dark: null, text_dark: null },
  font: 'system',
  radius_px: 14,
  appearance: 'auto',
  css_variables: {},
  legal_links: [],
  powered_by: true,
  allowed_origins: [],
};

/** What is left out stays as it is. */
export const updateBranding = z.strictObject({
  ...brandingSettings.partial().shape,
  colors: brandingSettings.shape.colors.partial().optional(),
});
export type UpdateBranding = z.infer<typeof updateBranding>;

export const branding = z.object({
  object: z.literal('branding'),
  ...brandingSettings.shape,
  warnings: z.array(z.string()).describe('What some visitors could not read: colours too close to each other.'),
  updated_at: isoTime.nullable(),
});
export type Branding = z.infer<typeof branding>;

/** What the chat page and element need before anybody has signed in. */
export const chatProfile = z.object({
  object: z.literal('chat.profile'),
  agent: z.string(),
  agent_name: z.string(),
  greeting: z.string(),
  takes_images: z.boolean().describe("Whether the agent's model is known to take images in messages."),
  ...brandingSettings.omit({ allowed_origins: true }).shape,
});
export type ChatProfile = z.infer<typeof chatProfile>;
