// VitePress's own theme with the fonts of the system and a few colours.

import Theme from 'vitepress/theme-without-fonts';
import './style.css';

export default Theme;
