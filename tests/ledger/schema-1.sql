BEGIN TRANSACTION;
CREATE TABLE facts (
	name VARCHAR NOT NULL, 
	value VARCHAR NOT NULL, 
	PRIMARY KEY (name)
);
INSERT INTO "facts" VALUES('schema','1');
CREATE TABLE jobs (
	id VARCHAR NOT NULL, 
	parent VARCHAR, 
	caller VARCHAR NOT NULL, 
	operation VARCHAR NOT NULL, 
	model VARCHAR NOT NULL, 
	account VARCHAR NOT NULL, 
	title VARCHAR NOT NULL, 
	words TEXT NOT NULL, 
	digest VARCHAR NOT NULL, 
	max_credits BIGINT, 
	agreed BIGINT, 
	approval VARCHAR, 
	asks BOOLEAN, 
	staged BOOLEAN, 
	"plan" VARCHAR, 
	place INTEGER, 
	stage VARCHAR NOT NULL, 
	count INTEGER NOT NULL, 
	quoted_low BIGINT, 
	quoted BIGINT, 
	published BOOLEAN NOT NULL, 
	charged BIGINT, 
	basis VARCHAR, 
	refunded BIGINT NOT NULL, 
	refund_expected BIGINT NOT NULL, 
	endpoint VARCHAR, 
	body_hash VARCHAR, 
	ticket VARCHAR, 
	hook VARCHAR, 
	progress VARCHAR, 
	tries INTEGER NOT NULL, 
	looks INTEGER NOT NULL, 
	searched INTEGER NOT NULL, 
	adopted BOOLEAN NOT NULL, 
	harvest TEXT, 
	media TEXT, 
	error TEXT, 
	owner VARCHAR, 
	lease FLOAT NOT NULL, 
	due FLOAT NOT NULL, 
	created_at FLOAT NOT NULL, 
	sent_at FLOAT, 
	charged_at FLOAT, 
	made_at FLOAT, 
	ended_at FLOAT, 
	handed_at FLOAT, 
	PRIMARY KEY (id)
);
INSERT INTO "jobs" VALUES('j_d0dba42221f5e1f7a936db94f6',NULL,'local','generate_image','phaya/z-image','sandbox/phaya','a red kite over the sea','{"prompt": "a red kite over the sea"}','4e228322576a3c47632acb1691a9e0a2acef923ec3a7fd3b580189c2620bd070',NULL,NULL,NULL,0,0,NULL,NULL,'stored',1,1000000000,1000000000,1,1000000000,'reported',0,0,'/text-to-image/generate','d5676e241fbca37d69b5e16c9422c787b523f31305aa4676daf41840f23f5691','072738a8-1b9a-4ded-98c0-b9cf2b67286b',NULL,'processing',1,46,0,0,'{"urls": ["http://phaya.sandbox/storage/v1/object/public/sandbox/072738a8-1b9a-4ded-98c0-b9cf2b67286b.png"], "text": null, "files": {}}','[{"uri": "media://j_d0dba42221f5e1f7a936db94f6/0", "path": "/home/ada/Callsheet/2026-11-27_a-red-kite-over-the-sea_z-image_jd0dba4.png", "mime_type": "image/png", "bytes": 201173, "sha256": "06b543be5b46b4c60c32a0c2d584209755023f23686b07aad8bfae98716eae02", "width": 1024, "height": 1024, "url": "http://phaya.sandbox/storage/v1/object/public/sandbox/072738a8-1b9a-4ded-98c0-b9cf2b67286b.png"}]',NULL,NULL,0.0,0.0,1.79577255576576375961e+09,1.79577255621299338339e+09,1.79577255622046637537e+09,1.79577255722475600239e+09,1.79577255855433654788e+09,1.79577255856817364688e+09);
INSERT INTO "jobs" VALUES('j_b029de5bb78fa8805ad0d1ea01',NULL,'local','generate_image','phaya/z-image','sandbox/phaya','two foxes','{"prompt": "two foxes"}','1835f71331746bfaa38f1d6159e0f8d76feeda6efc56ac2e15c96abd69e10bf7',NULL,NULL,NULL,0,0,NULL,NULL,'stored',2,NULL,NULL,1,NULL,NULL,0,0,NULL,NULL,NULL,NULL,NULL,0,0,0,0,NULL,'[]',NULL,NULL,1.79577259371314382555e+09,0.0,1.79577256371317481994e+09,NULL,NULL,NULL,1.79577261960775160787e+09,1.7957726196047446728e+09);
INSERT INTO "jobs" VALUES('j_5e4f969e438d71c9832d2a02d6','j_b029de5bb78fa8805ad0d1ea01','local','generate_image','phaya/z-image','sandbox/phaya','two foxes','{"prompt": "two foxes"}','1835f71331746bfaa38f1d6159e0f8d76feeda6efc56ac2e15c96abd69e10bf7',NULL,NULL,NULL,0,0,NULL,NULL,'stored',2,1000000000,1000000000,1,1000000000,'reported',0,0,'/text-to-image/generate','b7703a5ba6009642a393e6bb73ea6a01f938c8578f344eb6dee3d6b54bf73f34','adb3f9cc-901d-40ba-ae6d-1253874a489e',NULL,'pending',1,7,0,0,'{"urls": ["http://phaya.sandbox/storage/v1/object/public/sandbox/adb3f9cc-901d-40ba-ae6d-1253874a489e.png"], "text": null, "files": {}}','[{"uri": "media://j_5e4f969e438d71c9832d2a02d6/0", "path": "/home/ada/Callsheet/2026-11-27_two-foxes_z-image_j5e4f96.png", "mime_type": "image/png", "bytes": 146599, "sha256": "887ec2ea6d0cb08286b405a069c79a41111098cc76b135427ea59f536d7c9a85", "width": 1024, "height": 1024, "url": "http://phaya.sandbox/storage/v1/object/public/sandbox/adb3f9cc-901d-40ba-ae6d-1253874a489e.png"}]',NULL,NULL,0.0,1.79577261655762100223e+09,1.79577256371317481994e+09,1.79577256425727677341e+09,1795772564.28006,1.79577261701806855202e+09,1.79577261955365657811e+09,NULL);
INSERT INTO "jobs" VALUES('j_adc2a284f5d033d55a4a3e5ebd','j_b029de5bb78fa8805ad0d1ea01','local','generate_image','phaya/z-image','sandbox/phaya','two foxes','{"prompt": "two foxes"}','1835f71331746bfaa38f1d6159e0f8d76feeda6efc56ac2e15c96abd69e10bf7',NULL,NULL,NULL,0,0,NULL,NULL,'stored',2,1000000000,1000000000,1,1000000000,'reported',0,0,'/text-to-image/generate','b7703a5ba6009642a393e6bb73ea6a01f938c8578f344eb6dee3d6b54bf73f34','9d38f3d8-7309-4f2a-99f5-37c021301410',NULL,'pending',1,6,0,0,'{"urls": ["http://phaya.sandbox/storage/v1/object/public/sandbox/9d38f3d8-7309-4f2a-99f5-37c021301410.png"], "text": null, "files": {}}','[{"uri": "media://j_adc2a284f5d033d55a4a3e5ebd/0", "path": "/home/ada/Callsheet/2026-11-27_two-foxes_z-image_jadc2a2.png", "mime_type": "image/png", "bytes": 165811, "sha256": "d6f7ad6bc2a5d7d036e9ebfd4cc2f029f8fc45fc6f9f06301b156047a3545912", "width": 1024, "height": 1024, "url": "http://phaya.sandbox/storage/v1/object/public/sandbox/9d38f3d8-7309-4f2a-99f5-37c021301410.png"}]',NULL,NULL,0.0,1.79577261656618762013e+09,1.79577256371317481994e+09,1.79577256388930392265e+09,1.79577256424991703025e+09,1.79577261700494122511e+09,1.7957726195848374367e+09,NULL);
INSERT INTO "jobs" VALUES('j_0cfa2431e1770c8d6d2fe4d2e6',NULL,'local','chat','phaya/phaya-gpt','sandbox/phaya','Say hello','{"prompt": "Say hello"}','622b8011157a617fdeee5171bc605510df603e0cc8cb8457886f984547fbcc69',NULL,NULL,NULL,0,0,NULL,NULL,'stored',1,0,717241000,1,1519000,'reported',0,0,'/phaya-gpt/chat/completions','f78cdc377dad925bfbc22321fb9d8fde9167eda7b0601a8633fe53d207f60f24',NULL,NULL,NULL,1,0,0,0,'{"urls": [], "text": "This is Callsheet''s sandbox, not a real model. You asked: Say hello", "files": {}}','[]',NULL,NULL,0.0,0.0,1.79577262740784764291e+09,1.79577262804985451696e+09,1.79577262805714201929e+09,1.79577262805714201929e+09,1.79577262806793856624e+09,1.79577262808426785472e+09);
INSERT INTO "jobs" VALUES('j_68fa76520749725b204656796d',NULL,'local','generate_image','phaya/z-image','sandbox/phaya','a picture that fails [fail]','{"prompt": "a picture that fails [fail]"}','768b19809257a2a650aa15df8ed3ba6be696f405c2f6f6c7f371eb0f6b5d17cb',NULL,NULL,NULL,0,0,NULL,NULL,'failed',1,1000000000,1000000000,1,1000000000,'reported',1000000000,0,'/text-to-image/generate','fa3a84d6339274b5e52d7efcb0b4f46d4035a6257a397ace707f0ea36ac07a8a','80fce2ef-6634-4406-be58-11305891840d',NULL,'processing',1,56,0,0,NULL,'[]','{"kind": "provider", "message": "Phaya failed: \"The sandbox was asked to fail this job\".", "safe_to_retry": true}',NULL,0.0,1.79577267703067898745e+09,1795772634.59104,1.79577263476494812964e+09,1.79577263511116909985e+09,NULL,1.79577267750670242305e+09,1.79577267757476234438e+09);
INSERT INTO "jobs" VALUES('j_613988f46a1d79c13f799c1eea',NULL,'local','generate_image','phaya/z-image','sandbox/phaya','a still of a boat','{"prompt": "a still of a boat"}','9c9635205d6e6e65a7beb9c8b7589fc140492ed8aca4156906097ec52cfcd487',NULL,NULL,NULL,0,0,'j_613988f46a1d79c13f799c1eea',0,'stored',1,1000000000,1000000000,1,1000000000,'reported',0,0,'/text-to-image/generate','900f5b4b4783838e0439afc0dd6a579876f0fc1b27b254888f52d796bbf115aa','42999e4f-f5e6-498b-88c5-73d0147e67ca',NULL,NULL,1,2,0,0,'{"urls": ["http://phaya.sandbox/storage/v1/object/public/sandbox/42999e4f-f5e6-498b-88c5-73d0147e67ca.png"], "text": null, "files": {}}','[{"uri": "media://j_613988f46a1d79c13f799c1eea/0", "path": "/home/ada/Callsheet/2026-11-27_a-still-of-a-boat_z-image_j613988.png", "mime_type": "image/png", "bytes": 210107, "sha256": "d78dcf7732bc71f17367b01f0e52e01089eb98a06a34e160848fc3d3f73e6556", "width": 1024, "height": 1024, "url": "http://phaya.sandbox/storage/v1/object/public/sandbox/42999e4f-f5e6-498b-88c5-73d0147e67ca.png"}]',NULL,NULL,0.0,1.79577268864078617091e+09,1.79577268309681892396e+09,1.79577268448681211469e+09,1.79577268461950445175e+09,1.79577268885876703257e+09,1.79577268973336648936e+09,1.7957726909907763004e+09);
INSERT INTO "jobs" VALUES('j_b159cba42566fc3534cb20c6e1',NULL,'local','remove_background','progressive-robot/remove-background','sandbox/progressive-robot','','{"image": "j_613988f46a1d79c13f799c1eea"}','3a4d23e9710e4d419ac02a3f72c8166c5f5b993926ce4aa1d430d480fe9b6dc4',NULL,NULL,NULL,0,1,'j_613988f46a1d79c13f799c1eea',1,'stored',1,1000000000,1000000000,1,1000000000,'reported',0,0,'/api/tools/remove-background','473dcb6a3bb6e2c7d2c992acaed7a3e35a1db60ded41afa68ca58fec5409f74f',NULL,NULL,NULL,1,0,0,0,'{"urls": ["/api/image/cutout_5f5a04097be5445b8881dcba4a3aa23b.png"], "text": null, "files": {}}','[{"uri": "media://j_b159cba42566fc3534cb20c6e1/0", "path": "/home/ada/Callsheet/2026-11-27_remove-background_remove-background_jb159cb.png", "mime_type": "image/png", "bytes": 387321, "sha256": "2920d31821f6c146b900883b882732dcb3900ab68f218892ba8ed5b822cdf5ff", "width": 1024, "height": 1024, "url": "http://progressive-robot.sandbox/api/image/cutout_5f5a04097be5445b8881dcba4a3aa23b.png"}]',NULL,NULL,0.0,0.0,1.79577268309770035747e+09,1.79577268978092575071e+09,1.79577269064242148396e+09,1.79577269064242148396e+09,1.79577269090612244607e+09,1.79577269101454091069e+09);
INSERT INTO "jobs" VALUES('j_34a8373f453757e2765816b266',NULL,'local','generate_video','phaya/seedance-1.5-pro','sandbox/phaya','a fox','{"prompt": "a fox"}','e30ec7bd5612478f5da891e1f3fb260dacdcfdb78736c8913915e9fa62f9acb7',100000000,NULL,NULL,0,0,NULL,NULL,'refused',1,6000000000,6000000000,1,NULL,NULL,0,0,NULL,NULL,NULL,NULL,NULL,0,0,0,0,NULL,'[]','{"kind": "spend", "message": "Not started: this costs 6 credits, more than max_credits=0.1.", "safe_to_retry": true}',NULL,0.0,0.0,1.79577269553238916396e+09,NULL,NULL,NULL,1.79577269577867579459e+09,1.79577269579331254964e+09);
INSERT INTO "jobs" VALUES('j_43d24db8d967078cf765a69811',NULL,'local','generate_video','phaya/seedance-1.5-pro','sandbox/phaya','a boat at sea','{"prompt": "a boat at sea"}','b750761bb93cea1eb923049aa1f0955d068928a3453522460f37f64448d9acc7',100000000000,NULL,NULL,0,0,NULL,NULL,'stored',1,6000000000,6000000000,1,6000000000,'reported',0,0,'/seedance-video/create','cd9bd6531e3aa682524282cf912aed9fa486dbaa9562a91f38dd44a30cd2a388','f88c6414-48fa-48ea-b5df-c5fe1d133c6f',NULL,'processing',1,3,0,0,'{"urls": ["http://phaya.sandbox/storage/v1/object/public/sandbox/f88c6414-48fa-48ea-b5df-c5fe1d133c6f.mp4"], "text": null, "files": {}}','[{"uri": "media://j_43d24db8d967078cf765a69811/0", "path": "/home/ada/Callsheet/2026-11-27_a-boat-at-sea_seedance-1-5-pro_j43d24d.mp4", "mime_type": "video/mp4", "bytes": 498669, "sha256": "563b549832eda305cc0625c025a3d8d959a6411a0acfc0a69f652576fcb44e31", "width": 1280, "height": 720, "seconds": 8.0, "url": "http://phaya.sandbox/storage/v1/object/public/sandbox/f88c6414-48fa-48ea-b5df-c5fe1d133c6f.mp4"}]',NULL,NULL,0.0,0.0,1.79577269920987462993e+09,1.79577269929795122144e+09,1.79577269951425576213e+09,1.79577270435844039923e+09,1.79577273192078447341e+09,NULL);
INSERT INTO "jobs" VALUES('j_949fa32b23195f6dceb64f8a26',NULL,'local','generate_image','phaya/z-image','phaya','a lost lighthouse','{"prompt": "a lost lighthouse"}','eecd2f41b6a8be94c83f30a9d5a44078efdc07226505c13c4af34d06ee858073',NULL,NULL,NULL,0,0,NULL,NULL,'unknown',1,1000000000,1000000000,1,NULL,NULL,0,0,'/text-to-image/generate','04a64a8e9a3c0dbb0e250143b261a09fe391ba9add935d3139e203a48517a1a2',NULL,NULL,NULL,1,0,2,0,NULL,'[]','{"kind": "provider", "message": "Phaya may have accepted this job, but it answered 500. It may be paid for: its reservation is kept, and it is not sent again by itself.", "safe_to_retry": false}',NULL,0.0,1.79577275106150960923e+09,1.79577273127770853039e+09,1.79577273197702884672e+09,NULL,NULL,1.79577273198639392852e+09,1.79577273607208347315e+09);
CREATE TABLE paces (
	account VARCHAR NOT NULL, 
	grants TEXT NOT NULL, 
	looked_at FLOAT NOT NULL, 
	closed_until FLOAT NOT NULL, 
	PRIMARY KEY (account)
);
INSERT INTO "paces" VALUES('sandbox/phaya','[1795772677.5034237, 1795772684.4814036, 1795772684.6298904, 1795772688.8551052, 1795772695.6087282, 1795772695.763544, 1795772699.2872446, 1795772699.519277, 1795772699.6053808, 1795772699.6293497, 1795772704.0470393]',1.79577270404703927039e+09,1.79577268885510516168e+09);
INSERT INTO "paces" VALUES('sandbox/progressive-robot','[1795772683.1406276, 1795772684.340091, 1795772689.7727897]',0.0,0.0);
INSERT INTO "paces" VALUES('phaya','[1795772731.455157, 1795772731.4756067, 1795772731.9713044, 1795772732.9898396, 1795772733.0041773, 1795772736.0356424, 1795772736.0504744]',0.0,0.0);
CREATE TABLE questions (
	digest VARCHAR NOT NULL, 
	text TEXT NOT NULL, 
	prices TEXT NOT NULL, 
	until FLOAT NOT NULL, 
	PRIMARY KEY (digest)
);
CREATE TABLE readings (
	account VARCHAR NOT NULL, 
	asked_at FLOAT NOT NULL, 
	credits BIGINT NOT NULL, 
	PRIMARY KEY (account, asked_at)
);
INSERT INTO "readings" VALUES('sandbox/phaya',1.79577255617568421362e+09,100000000000);
INSERT INTO "readings" VALUES('sandbox/phaya',1.79577262799809837345e+09,97000000000);
INSERT INTO "readings" VALUES('sandbox/progressive-robot',1.79577268432858657841e+09,5000000000000);
INSERT INTO "readings" VALUES('sandbox/phaya',1.79577269576223087308e+09,95998481000);
INSERT INTO "readings" VALUES('phaya',1.79577273146648597719e+09,40000000000);
CREATE TABLE statements (
	account VARCHAR NOT NULL, 
	day VARCHAR NOT NULL, 
	content TEXT NOT NULL, 
	PRIMARY KEY (account, day)
);
INSERT INTO "statements" VALUES('sandbox/phaya','2026-11-26','{"account": "sandbox/phaya", "day": "2026-11-26", "opening": null, "opened_at": null, "closing": null, "closed_at": null, "moved": 0.0, "explained": 0.0, "unexplained": 0.0, "receipts": [], "open": [], "note": "Fewer than two balances were read around this day, so nothing can be compared."}');
INSERT INTO "statements" VALUES('sandbox/progressive-robot','2026-11-26','{"account": "sandbox/progressive-robot", "day": "2026-11-26", "opening": null, "opened_at": null, "closing": null, "closed_at": null, "moved": 0.0, "explained": 0.0, "unexplained": 0.0, "receipts": [], "open": [], "note": "Fewer than two balances were read around this day, so nothing can be compared."}');
INSERT INTO "statements" VALUES('phaya','2026-11-26','{"account": "phaya", "day": "2026-11-26", "opening": null, "opened_at": null, "closing": null, "closed_at": null, "moved": 0.0, "explained": 0.0, "unexplained": 0.0, "receipts": [], "open": [], "note": "Fewer than two balances were read around this day, so nothing can be compared."}');
CREATE INDEX jobs_account ON jobs (account, stage, sent_at);
CREATE INDEX ix_jobs_plan ON jobs ("plan");
CREATE UNIQUE INDEX jobs_ticket ON jobs (account, ticket);
CREATE INDEX ix_jobs_approval ON jobs (approval);
CREATE INDEX ix_jobs_parent ON jobs (parent);
CREATE INDEX jobs_stage ON jobs (stage, due);
CREATE INDEX ix_jobs_digest ON jobs (digest);
CREATE INDEX jobs_hook ON jobs (hook);
COMMIT;
