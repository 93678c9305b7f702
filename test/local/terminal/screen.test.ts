import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { describe, it } from 'node:test';
import { LiveScreen, terminalWidth } from '../../../local/terminal/screen.js';

class Terminal extends EventEmitter {
  written = '';
  columns: number | undefined = 100;

  write(text: string): void {
    this.written += text;
  }

  take(): string {
    const { written } = this;
    this.written = '';
    return written;
  }
}

describe('the live screen', () => {
  it('draws over its last frame, and gives the cursor back at the end', () => {
    const terminal = new Terminal();
    const screen = new LiveScreen(terminal);
    screen.draw(['one', 'two']);
    assert.equal(terminal.take(), '\x1b[?25l\r\x1b[Jone\ntwo\n');
    screen.draw(['three']);
    assert.equal(terminal.take(), '\x1b[2A\r\x1b[Jthree\n');
    screen.close();
    assert.equal(terminal.take(), '\x1b[?25h');
    assert.equal(terminal.listenerCount('resize'), 0);
  });

  it('starts with a clear screen after a resize, since the terminal has moved its lines', () => {
    const terminal = new Terminal();
    const screen = new LiveScreen(terminal);
    screen.draw(['one']);
    terminal.take();
    terminal.emit('resize');
    screen.draw(['two']);
    assert.equal(terminal.take(), '\x1b[2J\x1b[Htwo\n');
    screen.draw(['three']);
    assert.equal(terminal.take(), '\x1b[1A\r\x1b[Jthree\n');
  });

  it('takes 80 columns where the terminal does not say', () => {
    const terminal = new Terminal();
    assert.equal(terminalWidth(terminal), 100);
    terminal.columns = 0;
    assert.equal(terminalWidth(terminal), 80);
  });
});
