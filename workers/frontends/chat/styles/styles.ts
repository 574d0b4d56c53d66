/** How the element looks. Colours are the theme's variables; everything that has a side has it by reading direction. */
import { composer } from './composer.ts';
import { conversation } from './conversation.ts';
import { details } from './details.ts';
import { frame } from './frame.ts';

export const styles = [frame, conversation, details, composer];
