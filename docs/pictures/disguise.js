// Say these words instead of those, wherever they stand on the page.

const words = Object.entries(arguments[0]);
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walker.nextNode()) {
  const text = walker.currentNode;
  const told = words.reduce((said, [real, instead]) => said.replaceAll(real, instead), text.data);
  if (told !== text.data) text.data = told;
}
