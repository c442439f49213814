# Newer clients write the user of the metadata as JSON: the session in it keeps equal words apart.
a 09:00:00 {S}
  user: hi
  answer: Hello.
b 09:00:01 {T}
  user: hi
  answer: Hello.
c 09:00:02 {S}
  after a
  user: next
expect b root apart a
expect c turn of a on main by agent_prefix
