// Makes the pages quicker to use. Everything works without it.

const root = document.documentElement;
root.classList.add("js");
