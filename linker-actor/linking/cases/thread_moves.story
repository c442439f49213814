# A message id that was given twice moves a thread to the later answer: nothing stays with it where it was.
a 09:00:00 -
  user: one
  answer: 1
b 09:00:20 -
  thread a
  user: two
  pending
c 09:00:30 -
  user: one
  assistant: 1
  user: two
  user: three
d 09:00:10 -
  user: otherwise
  answer: 2
  message a
expect a root
expect b turn of d with d by thread
expect c turn of a with a by domain_prefix
