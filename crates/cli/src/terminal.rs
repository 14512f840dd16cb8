//! Ctrl-C under the dashboard, which takes the keys away from the terminal and knows `q` alone.

#[cfg(unix)]
pub(crate) use unix::Terminal;

#[cfg(not(unix))]
pub(crate) use elsewhere::Terminal;

#[cfg(unix)]
mod unix {
    use std::io::Write;
    use std::thread;
    use std::time::Duration;

    use rustix::stdio::stdin;
    use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

    /// The terminal as it was before the dashboard.
    pub(crate) struct Terminal {
        before: Option<Termios>,
    }

    impl Terminal {
        /// Lets Ctrl-C be a signal again as soon as the dashboard, which starts on a thread of its own, has taken the
        /// terminal.
        pub(crate) fn keep_interrupt_key() -> Self {
            // The dashboard may have been quicker.
            let before = tcgetattr(stdin()).ok().map(|mut modes| {
                modes.local_modes |= LocalModes::ICANON | LocalModes::ECHO | LocalModes::ISIG;
                modes
            });
            thread::spawn(|| {
                for _ in 0..500 {
                    thread::sleep(Duration::from_millis(10));
                    let Ok(mut modes) = tcgetattr(stdin()) else {
                        return;
                    };
                    if !modes.local_modes.contains(LocalModes::ICANON) {
                        modes.local_modes |= LocalModes::ISIG;
                        // Without it `q` still stops the run.
                        let _ = tcsetattr(stdin(), OptionalActions::Now, &modes);
                        return;
                    }
                }
            });
            Self { before }
        }

        /// Gives the terminal back: its modes, its own screen, the cursor, the mouse.
        pub(crate) fn restore(&self) {
            if let Some(before) = &self.before {
                let _ = tcsetattr(stdin(), OptionalActions::Now, before);
            }
            let mut screen = std::io::stderr();
            let _ = screen.write_all(b"\x1b[?1006l\x1b[?1015l\x1b[?1003l\x1b[?1002l\x1b[?1000l");
            let _ = screen.write_all(b"\x1b[?1049l\x1b[?25h");
        }
    }
}

#[cfg(not(unix))]
mod elsewhere {
    /// Nothing to do: there is no signal to give back.
    pub(crate) struct Terminal;

    impl Terminal {
        pub(crate) fn keep_interrupt_key() -> Self {
            Self
        }

        pub(crate) fn restore(&self) {}
    }
}
