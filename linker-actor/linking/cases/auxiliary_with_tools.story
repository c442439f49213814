# What a client asks on its own account, with tools and all: warming a cache, a web search, a question aside.
w 08:59:59 ~S
  prompt: You are a file search specialist.
  user: Warmup
a 09:00:00 ~S
  user: hi
  answer: Hello.
s 09:00:01 ~S
  prompt: You are an assistant for performing a web search tool use
  user: Perform a web search for the query: apples
q 09:00:02 ~S
  after a
  user: <system-reminder>This is a side question from the user. Answer it.</system-reminder>
  block: what colour?
  answer: Red.
b 09:00:03 ~S
  after a
  user: next
expect w auxiliary
expect a root on main
expect s auxiliary
expect q auxiliary
expect b turn of a on main
