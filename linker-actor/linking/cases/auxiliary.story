# Titles, classifiers and the probe of a quota are in no conversation; a plain call is one of its own.
a 09:00:00 S
  user: hi
  answer: Hello.
t 09:00:01 S
  plain
  prompt: Generate a concise, sentence-case title (3-7 words)
  user: hi
u 09:00:02 S
  class auxiliary
  after a
  user: summarise for the list
q 09:00:03 S
  plain
  max_tokens 1
  user: quota
b 09:00:04 S
  after a
  user: next
p 09:00:05 -
  plain
  user: What is a monad?
expect t auxiliary
expect u auxiliary
expect q auxiliary
expect b turn of a on main
expect p root apart a
