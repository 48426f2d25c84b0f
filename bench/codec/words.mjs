// Words of the made-up messages.

const list = (text) => text.trim().split(/\s+/);

export const FIRST = list(`James Mary Robert Patricia John Jennifer Michael Linda David Elizabeth
William Barbara Richard Susan Joseph Jessica Thomas Sarah Karen Lisa Nancy Daniel Matthew Betty
Anthony Sandra Mark Ashley Donald Emily Steven Kimberly Andrew Margaret Paul Donna Joshua Michelle
Kenneth Carol Kevin Amanda Brian Melissa Timothy Deborah Ronald Stephanie George Dorothy Jason
Rebecca Edward Sharon Jeffrey Laura Ryan Cynthia Jacob Amy Nicholas Kathleen Anna Lukas Marie Jonas
Sofia Mateo Lucia Hugo Chloe Yuki Haruto Wei Mei Priya Arjun Fatima Omar Ingrid Lars Olga Ivan`);
export const LAST = list(`Smith Johnson Williams Brown Jones Garcia Miller Davis Rodriguez Martinez
Hernandez Lopez Gonzalez Wilson Anderson Thomas Taylor Moore Jackson Martin Lee Perez Thompson White
Harris Sanchez Clark Ramirez Lewis Robinson Walker Young Allen King Wright Scott Torres Nguyen Hill
Flores Green Adams Nelson Baker Hall Rivera Campbell Mitchell Carter Roberts Mueller Schmidt
Schneider Fischer Weber Meyer Rossi Bianchi Dubois Moreau Kowalski Novak Tanaka Sato Wang Li Patel
Singh Kim Park Hansen Larsen Petrov Silva Santos Costa`);
export const CITIES = list(`Berlin Hamburg Munich Paris Lyon Madrid Barcelona Rome Milan Vienna
Zurich Prague Warsaw London Leeds Dublin Oslo Stockholm Helsinki Lisbon Athens Boston Chicago Denver
Seattle Austin Toronto Montreal Tokyo Osaka Seoul Mumbai Delhi Sydney Melbourne`);
export const COUNTRIES = list('DE FR ES IT AT CH CZ PL GB IE NO SE FI PT GR US CA JP KR IN AU');
export const DOMAINS = list(
  'gmail.com outlook.com example.org web.de yahoo.com proton.me mail.com',
);
export const ADJECTIVES = list(`classic wireless portable ergonomic organic stainless foldable
waterproof compact adjustable lightweight rechargeable vintage premium wooden magnetic insulated
thermal digital ultra soft heavy mini double silent`);
export const NOUNS = list(`keyboard mouse bottle backpack lamp chair desk jacket shoes watch camera
speaker charger cable monitor headphones notebook mug kettle blanket pillow tent bicycle helmet
gloves scarf drill wrench ladder umbrella wallet`);
export const COLOURS = list('black white silver blue red green grey navy beige brown');
export const NOTES = [
  'Please leave the parcel with the neighbour on the second floor.',
  'Customer asked for a refund because the item arrived damaged.',
  'Call before delivery, the bell does not work.',
  'Gift wrapping requested, no invoice in the box.',
  'Address was corrected after the first attempt failed.',
  'The discount code was entered twice and has been removed once.',
  'Waiting for confirmation from the warehouse before we ship the rest.',
  'Payment was retried three times, the bank declined the card.',
  'Wants to change the size, has been told how to return the first one.',
  'Complained about the late delivery and was offered a voucher.',
  'Subscription paused until the beginning of next month.',
  'Has two accounts with the same phone number, please merge them.',
];
export const EVENTS = list(`order.created order.paid order.shipped order.cancelled user.signup
user.login cart.updated refund.requested ticket.opened ticket.closed page.viewed search.performed`);
export const AGENTS = [
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) ' +
    'Chrome/{v}.0.0.0 Safari/537.36',
  'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) ' +
    'Version/17.{m} Safari/605.1.15',
  'Mozilla/5.0 (X11; Linux x86_64; rv:{v}.0) Gecko/20100101 Firefox/{v}.0',
  'Mozilla/5.0 (iPhone; CPU iPhone OS 17_{m} like Mac OS X) AppleWebKit/605.1.15 (KHTML, like ' +
    'Gecko) Version/17.{m} Mobile/15E148 Safari/604.1',
  'Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) ' +
    'Chrome/{v}.0.0.0 Mobile Safari/537.36',
  'curl/8.{m}.0',
  'python-requests/2.31.{m}',
  'Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)',
];
export const PATHS = list(`/ /index.html /login /logout /cart /checkout /account /account/orders
/api/v1/items /api/v1/orders /api/v1/users /api/v2/search /static/app.js /static/app.css
/images/logo.svg /favicon.ico /robots.txt /help/shipping /help/returns /blog/2026/spring-sale
/category/outdoor /category/office /category/kitchen`);
export const SERVICES = list(
  'gateway billing catalog search mailer auth scheduler worker inventory',
);
export const HOSTS = list('web-01 web-02 web-03 db-01 db-02 cache-01 worker-01 worker-02 edge-fra');
