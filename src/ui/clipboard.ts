/** To the clipboard of whoever looks at the terminal (OSC 52), also over ssh. */
export function copy(text: string): void {
  process.stdout.write(`\u001b]52;c;${Buffer.from(text).toString('base64')}\u0007`)
}
