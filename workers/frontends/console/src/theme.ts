/** The console's look: a quiet ground, one blue, and text that can be read in both schemes. */
import { createTheme, type CSSVariablesResolver, type MantineColorsTuple } from '@mantine/core';

const blue: MantineColorsTuple = [
  '#eef4ff',
  '#dce7fd',
  '#b6ccf8',
  '#8dafF3',
  '#6993ee',
  '#4c7ce6',
  '#3a6bdc',
  '#2f5fd0',
  '#264fb0',
  '#1f4190',
];

const slate: MantineColorsTuple = [
  '#d6dae1',
  '#c3c9d2',
  '#a9b1bd',
  '#7f8896',
  '#3a424e',
  '#2b323c',
  '#1e242c',
  '#171c23',
  '#11151b',
  '#0b0e13',
];

export const theme = createTheme({
  colors: { blue, dark: slate },
  primaryColor: 'blue',
  primaryShade: 7,
  defaultRadius: 'md',
  cursorType: 'pointer',
  respectReducedMotion: true,
  fontFamily:
    "Inter, ui-sans-serif, system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', 'Liberation Sans', sans-serif",
  fontFamilyMonospace: "ui-monospace, 'SF Mono', Menlo, Consolas, 'Noto Sans Mono', 'Liberation Mono', monospace",
  headings: { fontWeight: '620' },
});

export const cssVariables: CSSVariablesResolver = () => ({
  variables: {},
  light: {
    '--mantine-color-body': '#ffffff',
    '--mantine-color-text': '#171c23',
    '--mantine-color-dimmed': '#565f6c',
    '--mantine-color-placeholder': '#69727f',
    '--mantine-color-error': '#b3261e',
    '--mantine-color-anchor': '#264fb0',
    '--fh-ground': '#f6f7f9',
    '--fh-surface': '#ffffff',
    '--fh-line': '#e3e6eb',
    '--fh-strong': '#0b0e13',
    '--fh-active': '#e6edfc',
    '--fh-active-text': '#1f4190',
    '--fh-good': '#14804a',
    '--fh-warn': '#9a5b00',
    '--fh-bad': '#b3261e',
    '--fh-info': '#2f5fd0',
    '--fh-idle': '#69727f',
    '--fh-before': '#fdecea',
    '--fh-after': '#e7f6ee',
  },
  dark: {
    '--mantine-color-body': '#171c23',
    '--mantine-color-text': '#e4e7ec',
    '--mantine-color-dimmed': '#a3acb9',
    '--mantine-color-placeholder': '#949daa',
    '--mantine-color-error': '#ff8f87',
    '--mantine-color-anchor': '#9dbbf7',
    '--fh-ground': '#0f1318',
    '--fh-surface': '#171c23',
    '--fh-line': '#2b323c',
    '--fh-strong': '#ffffff',
    '--fh-active': '#21304d',
    '--fh-active-text': '#cfdffd',
    '--fh-good': '#4cc38a',
    '--fh-warn': '#f1b04c',
    '--fh-bad': '#ff8f87',
    '--fh-info': '#8dafF3',
    '--fh-idle': '#8a94a2',
    '--fh-before': '#3a1d1f',
    '--fh-after': '#17321f',
  },
});
