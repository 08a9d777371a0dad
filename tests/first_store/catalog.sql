BEGIN TRANSACTION;
CREATE TABLE accounts (
	source_id INTEGER NOT NULL, 
	read_date DATE NOT NULL, 
	outcome VARCHAR NOT NULL, 
	records BIGINT NOT NULL, 
	bots BIGINT NOT NULL, 
	PRIMARY KEY (source_id, read_date, outcome), 
	FOREIGN KEY(source_id) REFERENCES sources (id)
);
INSERT INTO "accounts" VALUES(1,'2026-11-21','asset',33,0);
INSERT INTO "accounts" VALUES(1,'2026-11-21','page',7,5);
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0001');
CREATE TABLE checkpoints (
	source_id INTEGER NOT NULL, 
	position BIGINT NOT NULL, 
	digest BLOB NOT NULL, 
	PRIMARY KEY (source_id, position), 
	FOREIGN KEY(source_id) REFERENCES sources (id)
);
INSERT INTO "checkpoints" VALUES(1,325,X'79CBB4ECF5582BE4');
INSERT INTO "checkpoints" VALUES(1,654,X'1A3CCBD41734C3A4');
INSERT INTO "checkpoints" VALUES(1,983,X'C0415778CC268EF7');
INSERT INTO "checkpoints" VALUES(1,1304,X'F413286A40705EA9');
INSERT INTO "checkpoints" VALUES(1,1624,X'57C7121CEB6FC181');
INSERT INTO "checkpoints" VALUES(1,1945,X'B05B19E9AD4E9358');
INSERT INTO "checkpoints" VALUES(1,2270,X'C7FD270B5A801144');
INSERT INTO "checkpoints" VALUES(1,2598,X'06E26EE98F874931');
INSERT INTO "checkpoints" VALUES(1,2932,X'4CB1D6B10720BE0D');
INSERT INTO "checkpoints" VALUES(1,3260,X'3CE7C7FDADB5B5F5');
INSERT INTO "checkpoints" VALUES(1,3584,X'43BAF4B04BD40A73');
INSERT INTO "checkpoints" VALUES(1,3913,X'7B6B0E9CF97D9368');
INSERT INTO "checkpoints" VALUES(1,4234,X'16DE3AD5BBD05D92');
INSERT INTO "checkpoints" VALUES(1,4872,X'B6640DDFEA12E365');
INSERT INTO "checkpoints" VALUES(1,5518,X'CFDA2A392D3B28DC');
INSERT INTO "checkpoints" VALUES(1,6510,X'DD8A9EE00238477E');
INSERT INTO "checkpoints" VALUES(1,7398,X'B9B1E487C1D67367');
INSERT INTO "checkpoints" VALUES(1,8410,X'C19EE700F7C9E66A');
INSERT INTO "checkpoints" VALUES(1,9494,X'CB5ECA2D687809BB');
INSERT INTO "checkpoints" VALUES(1,10803,X'19C2594BAD651152');
CREATE TABLE daily (
	"table" VARCHAR NOT NULL, 
	site_id INTEGER NOT NULL, 
	date DATE NOT NULL, 
	generation INTEGER NOT NULL, 
	path VARCHAR NOT NULL, 
	PRIMARY KEY ("table", site_id, date, generation), 
	FOREIGN KEY(site_id) REFERENCES sites (id)
);
INSERT INTO "daily" VALUES('totals',1,'2015-05-17',0,'daily/totals-81eb792ea13b4a77997e6b936406a37a.parquet');
INSERT INTO "daily" VALUES('latency',1,'2015-05-17',0,'daily/latency-92fb5d96bbc4488e8a679deb0149f860.parquet');
INSERT INTO "daily" VALUES('visits',1,'2015-05-17',0,'daily/visits-a368bc033a914a1d8d2b9e4ddfb5256f.parquet');
INSERT INTO "daily" VALUES('pages',1,'2015-05-17',0,'daily/pages-6fb7b3f90b394232aaaf41984a0e6874.parquet');
CREATE TABLE days (
	site_id INTEGER NOT NULL, 
	date DATE NOT NULL, 
	version INTEGER NOT NULL, 
	built INTEGER, 
	generations INTEGER NOT NULL, 
	salts INTEGER NOT NULL, 
	imported DATETIME NOT NULL, 
	PRIMARY KEY (site_id, date), 
	FOREIGN KEY(site_id) REFERENCES sites (id)
);
INSERT INTO "days" VALUES(1,'2015-05-17',1,1,0,1,'2026-11-21 06:07:29.665541');
CREATE TABLE leases (
	writer VARCHAR NOT NULL, 
	expires DATETIME NOT NULL, 
	PRIMARY KEY (writer)
);
CREATE TABLE parts (
	id INTEGER NOT NULL, 
	path VARCHAR NOT NULL, 
	site_id INTEGER NOT NULL, 
	date DATE NOT NULL, 
	rows BIGINT NOT NULL, 
	bytes BIGINT NOT NULL, 
	PRIMARY KEY (id), 
	UNIQUE (path), 
	FOREIGN KEY(site_id) REFERENCES sites (id)
);
INSERT INTO "parts" VALUES(1,'events/site=s/date=2015-05-17/982d30b3dba6-1.parquet',1,'2015-05-17',40,13868);
CREATE TABLE rejects (
	source_id INTEGER NOT NULL, 
	"offset" BIGINT NOT NULL, 
	length BIGINT NOT NULL, 
	reason VARCHAR NOT NULL, 
	PRIMARY KEY (source_id, "offset"), 
	FOREIGN KEY(source_id) REFERENCES sources (id)
);
CREATE TABLE sites (
	id INTEGER NOT NULL, 
	name VARCHAR NOT NULL, 
	timezone VARCHAR NOT NULL, 
	PRIMARY KEY (id), 
	UNIQUE (name)
);
INSERT INTO "sites" VALUES(1,'s','UTC');
CREATE TABLE source_days (
	source_id INTEGER NOT NULL, 
	site_id INTEGER NOT NULL, 
	date DATE NOT NULL, 
	rows BIGINT NOT NULL, 
	PRIMARY KEY (source_id, site_id, date), 
	FOREIGN KEY(source_id) REFERENCES sources (id), 
	FOREIGN KEY(site_id) REFERENCES sites (id)
);
INSERT INTO "source_days" VALUES(1,1,'2015-05-17',40);
CREATE TABLE sources (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	scope VARCHAR NOT NULL, 
	path VARCHAR NOT NULL, 
	format VARCHAR NOT NULL, 
	state JSON NOT NULL, 
	"offset" BIGINT NOT NULL, 
	lines BIGINT NOT NULL, 
	end_digest BLOB NOT NULL, 
	created DATETIME NOT NULL, 
	updated DATETIME NOT NULL
);
INSERT INTO "sources" VALUES(1,'s','access.log','combined','{}',11202,40,X'B727A551E499572F','2026-11-21 06:07:29.314360','2026-11-21 06:07:29.663246');
CREATE TABLE trash (
	path VARCHAR NOT NULL, 
	since DATETIME NOT NULL, 
	PRIMARY KEY (path)
);
CREATE INDEX ix_checkpoints_digest ON checkpoints (digest);
CREATE INDEX parts_by_day ON parts (site_id, date);
CREATE INDEX ix_daily_path ON daily (path);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('sources',1);
COMMIT;
