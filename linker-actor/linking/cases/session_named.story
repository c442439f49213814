# The session's name is asked behind the whole history.
a 09:00:00 s1
  user: Count the apples
  answer: Seven.
b 09:00:05 s1
  after a
  user: Generate a short kebab-case name (2-4 words) that captures the main topic of this conversation. Use lowercase words separated by hyphens.
  block: Never consult the advisor tool.
  answer: {"name": "count-apples"}
c 09:00:20 s1
  after a
  user: Now the pears
expect b auxiliary
expect c turn of a on main
