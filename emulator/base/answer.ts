/** What goes back to the client. */
export interface Answer {
  status: number;
  body: unknown;
  headers?: Record<string, string>;
}

/** The gateway's own errors carry the request id in the body as well. */
export function gatewayError(status: number, code: string, message: string, requestId: string): Answer {
  return { status, body: { error_msg: message, error_code: code, request_id: requestId } };
}

export function dliError(status: number, code: string, message: string): Answer {
  return { status, body: { error_code: code, error_msg: message } };
}
