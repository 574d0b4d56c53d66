/** Whose console it is: the tenant's mark and name, or the platform's. */
import { useEffect, useRef } from 'react';
import type { Branding, ChatProfile } from '../../../../../shared/contracts/branding.ts';
import { makeScheme } from '../../../chat/theme.ts';
import { Icon } from '../parts/icon.tsx';

type Look = Pick<Branding | ChatProfile, 'logo' | 'colors'>;

export function Brand({
  name,
  place,
  look,
}: {
  readonly name: string;
  readonly place: string;
  readonly look: Look | undefined;
}) {
  const mark = useRef<HTMLSpanElement>(null);
  const accent = look?.colors.accent;
  useEffect(() => {
    if (!mark.current || !look) return;
    const scheme = makeScheme(look.colors, false);
    mark.current.style.setProperty('--fh-mark', look.logo === null ? scheme.fill : 'transparent');
    mark.current.style.setProperty('--fh-on-mark', scheme['on-fill']);
  }, [accent, look]);
  return (
    <div className="fh-brand">
      <span className="fh-brand-mark" ref={mark} aria-hidden="true">
        {look?.logo ? <img src={look.logo} alt="" /> : look ? name.charAt(0).toUpperCase() : <Icon name="server" />}
      </span>
      <div style={{ minWidth: 0 }}>
        <div className="fh-brand-name">{name}</div>
        <div className="fh-brand-place">{place}</div>
      </div>
    </div>
  );
}
