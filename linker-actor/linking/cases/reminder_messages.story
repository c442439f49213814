# Messages that are reminders alone come and go without leaving a trace.
a 09:00:00 -
  user: <system-reminder>Today is Monday.</system-reminder>
  block: watch the log
  answer: I watch.
b 09:00:01 -
  after a
  user: <system-reminder>A task has finished.</system-reminder>
  answer: It is done.
c 09:00:02 -
  user: watch the log
  assistant: I watch.
  assistant: It is done.
  user: thanks
expect b turn of a on main
expect c turn of b on main
