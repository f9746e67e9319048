-- The databases beside `userdb`, which the image creates itself.
CREATE DATABASE orderdb;
CREATE DATABASE inventorydb;
CREATE DATABASE paymentdb;
CREATE DATABASE notificationdb;
CREATE DATABASE gatewaydb;
