/** The frame around every page: whose console it is, the menu, the scheme of colours, the way out. */
import {
  ActionIcon,
  AppShell,
  Burger,
  Group,
  ScrollArea,
  Tooltip,
  useComputedColorScheme,
  useMantineColorScheme,
} from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { Link, Outlet } from '@tanstack/react-router';
import { audience } from '../audience.ts';
import { useApi } from '../api/queries.ts';
import { Icon } from '../parts/icon.tsx';
import { sessions } from '../session.ts';
import { Brand } from './brand.tsx';
import { groups } from './navigation.ts';

export function Shell() {
  const [isOpen, { toggle, close }] = useDisclosure(false);
  return (
    <AppShell
      className="fh-shell"
      layout="alt"
      header={{ height: { base: 56, md: 0 } }}
      navbar={{ width: 244, breakpoint: 'md', collapsed: { mobile: !isOpen } }}
      padding={{ base: 'md', md: 32 }}
    >
      <AppShell.Header role="region" aria-label="Console" hiddenFrom="md" px="md" className="fh-nav">
        <Group h="100%" justify="space-between" wrap="nowrap">
          <OwnBrand />
          <Burger opened={isOpen} onClick={toggle} aria-label="Menu" size="sm" />
        </Group>
      </AppShell.Header>
      <AppShell.Navbar className="fh-nav" p="md" aria-label="Pages">
        <Group justify="space-between" wrap="nowrap">
          <OwnBrand />
          <Burger opened onClick={close} aria-label="Close the menu" size="sm" hiddenFrom="md" />
        </Group>
        <ScrollArea flex={1} mt="xs" type="hover" scrollbarSize={6} viewportProps={{ tabIndex: -1 }}>
          {groups.map(({ label, places }) => (
            <div key={label ?? ''}>
              {label !== null && <div className="fh-nav-group">{label}</div>}
              {places.map((place) => (
                <Link
                  key={place.to}
                  to={place.to}
                  className="fh-link"
                  activeOptions={{ exact: place.to === '/', includeSearch: false }}
                  onClick={close}
                >
                  <Icon name={place.icon} />
                  {place.label}
                </Link>
              ))}
            </div>
          ))}
        </ScrollArea>
        <Group justify="space-between" pt="sm">
          <SchemeSwitch />
          <Tooltip label="Sign out" withArrow>
            <ActionIcon variant="subtle" color="gray" size="lg" onClick={() => sessions.end()} aria-label="Sign out">
              <Icon name="logout" />
            </ActionIcon>
          </Tooltip>
        </Group>
      </AppShell.Navbar>
      <AppShell.Main>
        <Outlet />
      </AppShell.Main>
    </AppShell>
  );
}

function OwnBrand() {
  return audience === 'operator' ? <Brand name="Freehold" place="Operator" look={undefined} /> : <TenantBrand />;
}

function TenantBrand() {
  const tenant = useApi('GET /v1/tenant');
  const branding = useApi('GET /v1/branding');
  const name = branding.data?.name ?? tenant.data?.name ?? location.hostname.split('.')[0]!;
  return <Brand name={name} place={location.host} look={branding.data} />;
}

function SchemeSwitch() {
  const { setColorScheme } = useMantineColorScheme();
  const scheme = useComputedColorScheme('light');
  const other = scheme === 'dark' ? 'light' : 'dark';
  return (
    <Tooltip label={`Use the ${other} scheme`} withArrow>
      <ActionIcon
        variant="subtle"
        color="gray"
        size="lg"
        onClick={() => setColorScheme(other)}
        aria-label={`Use the ${other} scheme`}
      >
        <Icon name={scheme === 'dark' ? 'sun' : 'moon'} />
      </ActionIcon>
    </Tooltip>
  );
}
