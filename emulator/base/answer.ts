/** The answer to a request. A body that is a text is sent as HTML, any other as JSON. */
export interface Answer {
  status: number;
  body: unknown;
  headers?: Record<string, string>;
}

/** Returns an error of the gateway. Unlike those of DLI, its body holds the request id. */
export function gatewayError(status: number, code: string, message: string, requestId: string): Answer {
  return { status, body: { error_msg: message, error_code: code, request_id: requestId } };
}

export function dliError(status: number, code: string, message: string): Answer {
  return { status, body: { error_code: code, error_msg: message } };
}
