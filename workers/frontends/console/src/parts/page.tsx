/** The frame of a page: what it is, what it is for, what can be done on it. */
import { Group, Stack, Text, Title } from '@mantine/core';
import { useEffect, type ReactNode } from 'react';

type Props = {
  readonly title: string;
  readonly about?: ReactNode;
  readonly actions?: ReactNode;
  readonly children: ReactNode;
};

export function Page({ title, about, actions, children }: Props) {
  useEffect(() => {
    document.title = `${title} · Console`;
  }, [title]);
  return (
    <Stack gap="lg" className="fh-page">
      <Group justify="space-between" align="flex-start" gap="md">
        <div className="fh-page-title">
          <Title order={1} size="h2">
            {title}
          </Title>
          {about !== undefined && (
            <Text c="dimmed" size="sm" mt={4} maw={720} component="div">
              {about}
            </Text>
          )}
        </div>
        {actions !== undefined && <Group gap="xs">{actions}</Group>}
      </Group>
      {children}
    </Stack>
  );
}

/** A part of a page on a surface of its own. */
export function Panel({
  title,
  about,
  actions,
  children,
}: {
  readonly title?: ReactNode;
  readonly about?: ReactNode;
  readonly actions?: ReactNode;
  readonly children?: ReactNode;
}) {
  return (
    <section className="fh-panel">
      {title !== undefined && (
        <Group justify="space-between" align="flex-start" mb={children === undefined ? 0 : 'md'} gap="sm">
          <div>
            <Title order={2} size="h5">
              {title}
            </Title>
            {about !== undefined && (
              <Text size="sm" c="dimmed" mt={2} component="div">
                {about}
              </Text>
            )}
          </div>
          {actions !== undefined && <Group gap="xs">{actions}</Group>}
        </Group>
      )}
      {children}
    </section>
  );
}
