/** What a page shows while it has nothing to show yet: that it loads, that it failed and why, or what to do next. */
import { Alert, Button, Group, Skeleton, Stack, Text } from '@mantine/core';
import type { UseQueryResult } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { ApiError } from '../api/api-error.ts';
import { Icon, type IconName } from './icon.tsx';

export function FailureAlert({
  error,
  retry,
}: {
  readonly error: Error;
  readonly retry?: (() => unknown) | undefined;
}) {
  const isPermission = error instanceof ApiError && error.status === 403;
  return (
    <Alert
      role="alert"
      variant="default"
      className="fh-alert fh-alert-bad"
      title={isPermission ? 'Not allowed' : 'That did not work'}
    >
      <Text size="sm">{error.message}</Text>
      {error instanceof ApiError && error.requestId !== undefined && (
        <Text size="xs" c="dimmed" mt={4}>
          Request {error.requestId}
        </Text>
      )}
      {retry !== undefined && !isPermission && (
        <Button mt="sm" size="xs" variant="default" onClick={() => retry()}>
          Try again
        </Button>
      )}
    </Alert>
  );
}

export function Empty({
  icon,
  title,
  children,
  action,
}: {
  readonly icon: IconName;
  readonly title: string;
  readonly children?: ReactNode;
  readonly action?: ReactNode;
}) {
  return (
    <div className="fh-empty">
      <span className="fh-empty-icon">
        <Icon name={icon} size={22} />
      </span>
      <Text fw={600}>{title}</Text>
      {children !== undefined && (
        <Text size="sm" c="dimmed" maw={460} component="div">
          {children}
        </Text>
      )}
      {action !== undefined && <Group justify="center">{action}</Group>}
    </div>
  );
}

export function Loading({ lines = 4 }: { readonly lines?: number }) {
  return (
    <Stack gap="sm" role="status" aria-label="Loading">
      {Array.from({ length: lines }, (_, at) => (
        <Skeleton key={at} h={38} radius="sm" />
      ))}
    </Stack>
  );
}

/** A reading's answer, once it is there. */
export function Loaded<T>({
  reading,
  children,
  lines = 4,
}: {
  readonly reading: UseQueryResult<T, Error>;
  readonly children: (data: T) => ReactNode;
  readonly lines?: number;
}) {
  if (reading.data !== undefined) return children(reading.data);
  if (reading.error) return <FailureAlert error={reading.error} retry={() => reading.refetch()} />;
  return <Loading lines={lines} />;
}
