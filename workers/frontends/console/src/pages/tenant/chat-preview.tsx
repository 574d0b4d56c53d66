/** The chat in small, with the variables that the real one has. */
import { useEffect, useRef } from 'react';
import type { BrandingSettings } from '../../../../../../shared/contracts/branding.ts';
import { themeVariables } from '../../../../chat/theme.ts';

type Props = { readonly settings: BrandingSettings; readonly scheme: 'light' | 'dark' };

export function ChatPreview({ settings, scheme }: Props) {
  const frame = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const { style } = frame.current!;
    style.colorScheme = scheme;
    for (const [name, value] of themeVariables({
      ...settings,
      object: 'chat.profile',
      agent: '',
      agent_name: '',
      greeting: '',
      takes_images: false,
    })) {
      style.setProperty(name, value);
    }
  }, [settings, scheme]);
  return (
    <div className="fh-preview" ref={frame} aria-label={`The chat, ${scheme}`} role="img">
      <div className="fh-preview-head">
        {settings.logo !== null && <img src={settings.logo} alt="" />}
        <span>{settings.name ?? "The agent's name"}</span>
      </div>
      <div className="fh-preview-text">Good morning. How can I help?</div>
      <div className="fh-preview-own">When do you open?</div>
      <div className="fh-preview-text">
        At nine. <span className="fh-preview-link">Opening hours</span>
      </div>
      <div className="fh-preview-send">Send</div>
      {settings.powered_by && <div className="fh-preview-foot">Powered by Freehold</div>}
    </div>
  );
}
