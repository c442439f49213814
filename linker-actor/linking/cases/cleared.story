# Clearing starts a new conversation under a new session id.
a 09:00:00 S
  user: hi
  answer: Hello.
b 09:00:10 T
  user: <command-name>/clear</command-name>
  block: hi
  answer: Hello again.
c 09:00:20 T
  after b
  user: next
expect b root apart a
expect c turn of b on main
