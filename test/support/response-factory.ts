/** A response object as a turn begins with it. */
import type { Response } from '../../shared/contracts/responses.ts';

export function blankResponse(change: Partial<Response> = {}): Response {
  return {
    id: 'resp_1',
    object: 'response',
    created_at: 1,
    completed_at: null,
    status: 'in_progress',
    background: false,
    error: null,
    incomplete_details: null,
    instructions: null,
    max_output_tokens: null,
    metadata: {},
    model: 'm',
    output: [],
    parallel_tool_calls: true,
    previous_response_id: null,
    conversation: null,
    store: true,
    temperature: null,
    text: { format: { type: 'text' } },
    tool_choice: 'auto',
    tools: [],
    top_p: null,
    truncation: 'disabled',
    usage: null,
    user: null,
    recalled_memories: [],
    ...change,
  };
}
