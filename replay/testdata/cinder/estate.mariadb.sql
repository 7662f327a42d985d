/*M!999999\- enable the sandbox mode */ 
-- MariaDB dump 10.19  Distrib 10.11.19-MariaDB, for debian-linux-gnu (x86_64)
--
-- Host: localhost    Database: cinder
-- ------------------------------------------------------
-- Server version	10.11.19-MariaDB-0+deb12u1

/*!40101 SET @OLD_CHARACTER_SET_CLIENT=@@CHARACTER_SET_CLIENT */;
/*!40101 SET @OLD_CHARACTER_SET_RESULTS=@@CHARACTER_SET_RESULTS */;
/*!40101 SET @OLD_COLLATION_CONNECTION=@@COLLATION_CONNECTION */;
/*!40101 SET NAMES utf8mb4 */;
/*!40103 SET @OLD_TIME_ZONE=@@TIME_ZONE */;
/*!40103 SET TIME_ZONE='+00:00' */;
/*!40014 SET @OLD_UNIQUE_CHECKS=@@UNIQUE_CHECKS, UNIQUE_CHECKS=0 */;
/*!40014 SET @OLD_FOREIGN_KEY_CHECKS=@@FOREIGN_KEY_CHECKS, FOREIGN_KEY_CHECKS=0 */;
/*!40101 SET @OLD_SQL_MODE=@@SQL_MODE, SQL_MODE='NO_AUTO_VALUE_ON_ZERO' */;
/*!40111 SET @OLD_SQL_NOTES=@@SQL_NOTES, SQL_NOTES=0 */;

--
-- Table structure for table `alembic_version`
--

DROP TABLE IF EXISTS `alembic_version`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `alembic_version` (
  `version_num` varchar(32) NOT NULL,
  PRIMARY KEY (`version_num`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
/*!40101 SET character_set_client = @saved_cs_client */;

--
-- Dumping data for table `alembic_version`
--

LOCK TABLES `alembic_version` WRITE;
/*!40000 ALTER TABLE `alembic_version` DISABLE KEYS */;
INSERT INTO `alembic_version` VALUES
('9c74c1c6971f');
/*!40000 ALTER TABLE `alembic_version` ENABLE KEYS */;
UNLOCK TABLES;

--
-- Table structure for table `attachment_specs`
--

DROP TABLE IF EXISTS `attachment_specs`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `attachment_specs` (
  `created_at` datetime DEFAULT NULL,
  `updated_at` datetime DEFAULT NULL,
  `deleted_at` datetime DEFAULT NULL,
  `deleted` tinyint(1) DEFAULT NULL,
  `id` int(11) NOT NULL AUTO_INCREMENT,
  `attachment_id` varchar(36) NOT NULL,
  `key` varchar(255) DEFAULT NULL,
  `value` varchar(255) DEFAULT NULL,
  PRIMARY KEY (`id`),
  KEY `ix_attachment_specs_attachment_id` (`attachment_id`),
  CONSTRAINT `attachment_specs_ibfk_1` FOREIGN KEY (`attachment_id`) REFERENCES `volume_attachment` (`id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb3 COLLATE=utf8mb3_general_ci;
/*!40101 SET character_set_client = @saved_cs_client */;

--
-- Dumping data for table `attachment_specs`
--

LOCK TABLES `attachment_specs` WRITE;
/*!40000 ALTER TABLE `attachment_specs` DISABLE KEYS */;
/*!40000 ALTER TABLE `attachment_specs` ENABLE KEYS */;
UNLOCK TABLES;

--
-- Table structure for table `backup_metadata`
--

DROP TABLE IF EXISTS `backup_metadata`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `backup_metadata` (
  `created_at` datetime DEFAULT NULL,
  `updated_at` datetime DEFAULT NULL,
  `deleted_at` datetime DEFAULT NULL,
  `deleted` tinyint(1) DEFAULT NULL,
  `id` int(11) NOT NULL AUTO_INCREMENT,
  `backup_id` varchar(36) NOT NULL,
  `key` varchar(255) DEFAULT NULL,
  `value` varchar(255) DEFAULT NULL,
  PRIMARY KEY (`id`),
  KEY `ix_backup_metadata_backup_id` (`backup_id`),
  CONSTRAINT `backup_metadata_ibfk_1` FOREIGN KEY (`backup_id`) REFERENCES `backups` (`id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb3 COLLATE=utf8mb3_general_ci;
/*!40101 SET character_set_client = @saved_cs_client */;

--
-- Dumping data for table `backup_metadata`
--

LOCK TABLES `backup_metadata` WRITE;
/*!40000 ALTER TABLE `backup_metadata` DISABLE KEYS */;
/*!40000 ALTER TABLE `backup_metadata` ENABLE KEYS */;
UNLOCK TABLES;

--
-- Table structure for table `backups`
--

DROP TABLE IF EXISTS `backups`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `backups` (
  `created_at` datetime DEFAULT NULL,
  `updated_at` datetime DEFAULT NULL,
  `deleted_at` datetime DEFAULT NULL,
  `deleted` tinyint(1) DEFAULT NULL,
  `id` varchar(36) NOT NULL,
  `volume_id` varchar(36) NOT NULL,
  `user_id` varchar(255) DEFAULT NULL,
  `project_id` varchar(255) DEFAULT NULL,
  `host` varchar(255) DEFAULT NULL,
  `availability_zone` varchar(255) DEFAULT NULL,
  `display_name` varchar(255) DEFAULT NULL,
  `display_description` varchar(255) DEFAULT NULL,
  `container` varchar(255) DEFAULT NULL,
  `status` varchar(255) DEFAULT NULL,
  `fail_reason` varchar(255) DEFAULT NULL,
  `service_metadata` varchar(255) DEFAULT NULL,
  `service` varchar(255) DEFAULT NULL,
  `size` int(11) DEFAULT NULL,
  `object_count` int(11) DEFAULT NULL,
  `parent_id` varchar(36) DEFAULT NULL,
  `temp_volume_id` varchar(36) DEFAULT NULL,
  `temp_snapshot_id` varchar(36) DEFAULT NULL,
  `num_dependent_backups` int(11) DEFAULT NULL,
  `snapshot_id` varchar(36) DEFAULT NULL,
  `data_timestamp` datetime DEFAULT NULL,
  `restore_volume_id` varchar(36) DEFAULT NULL,
  `encryption_key_id` varchar(36) DEFAULT NULL,
  PRIMARY KEY (`id`),
  KEY `backups_deleted_project_id_idx` (`deleted`,`project_id`),
  CONSTRAINT `CONSTRAINT_1` CHECK (`deleted` in (0,1))
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb3 COLLATE=utf8mb3_general_ci;
/*!40101 SET character_set_client = @saved_cs_client */;

--
-- Dumping data for table `backups`
--

LOCK TABLES `backups` WRITE;
/*!40000 ALTER TABLE `backups` DISABLE KEYS */;
INSERT INTO `backups` VALUES
('2026-10-20 00:00:00',NULL,NULL,0,'000000ba-0000-0000-0000-000000000001','000000c1-0000-0000-0000-000000000001','uuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuu','a1fa0000000000000000000000000001','cinder1',NULL,'nightly',NULL,NULL,'available',NULL,NULL,'cinder.backup.drivers.nfs.NFSBackupDriver',2,NULL,NULL,NULL,NULL,0,NULL,NULL,NULL,NULL);
/*!40000 ALTER TABLE `backups` ENABLE KEYS */;
UNLOCK TABLES;

--
-- Table structure for table `cgsnapshots`
--

DROP TABLE IF EXISTS `cgsnapshots`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `cgsnapshots` (
  `created_at` datetime DEFAULT NULL,
  `updated_at` datetime DEFAULT NULL,
  `deleted_at` datetime DEFAULT NULL,
  `deleted` tinyint(1) DEFAULT NULL,
  `id` varchar(36) NOT NULL,
  `consistencygroup_id` varchar(36) NOT NULL,
  `user_id` varchar(255) DEFAULT NULL,
  `project_id` varchar(255) DEFAULT NULL,
  `name` varchar(255) DEFAULT NULL,
  `description` varchar(255) DEFAULT NULL,
  `status` varchar(255) DEFAULT NULL,
  PRIMARY KEY (`id`),
  KEY `ix_cgsnapshots_consistencygroup_id` (`consistencygroup_id`),
  CONSTRAINT `cgsnapshots_ibfk_1` FOREIGN KEY (`consistencygroup_id`) REFERENCES `consistencygroups` (`id`),
  CONSTRAINT `CONSTRAINT_1` CHECK (`deleted` in (0,1))
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb3 COLLATE=utf8mb3_general_ci;
/*!40101 SET character_set_client = @saved_cs_client */;

--
-- Dumping data for table `cgsnapshots`
--

LOCK TABLES `cgsnapshots` WRITE;
/*!40000 ALTER TABLE `cgsnapshots` DISABLE KEYS */;
/*!40000 ALTER TABLE `cgsnapshots` ENABLE KEYS */;
UNLOCK TABLES;

--
-- Table structure for table `clusters`
--

DROP TABLE IF EXISTS `clusters`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `clusters` (
  `created_at` datetime DEFAULT NULL,
  `updated_at` datetime DEFAULT NULL,
  `deleted_at` datetime DEFAULT NULL,
  `deleted` tinyint(1) DEFAULT NULL,
  `id` int(11) NOT NULL AUTO_INCREMENT,
  `name` varchar(255) NOT NULL,
  `binary` varchar(255) NOT NULL,
  `disabled` tinyint(1) DEFAULT NULL,
  `disabled_reason` varchar(255) DEFAULT NULL,
  `race_preventer` int(11) NOT NULL,
  `replication_status` varchar(36) DEFAULT NULL,
  `active_backend_id` varchar(255) DEFAULT NULL,
  `frozen` tinyint(1) NOT NULL DEFAULT 0,
  PRIMARY KEY (`id`),
  UNIQUE KEY `name` (`name`,`binary`,`race_preventer`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb3 COLLATE=utf8mb3_general_ci;
/*!40101 SET character_set_client = @saved_cs_client */;

--
-- Dumping data for table `clusters`
--

LOCK TABLES `clusters` WRITE;
/*!40000 ALTER TABLE `clusters` DISABLE KEYS */;
/*!40000 ALTER TABLE `clusters` ENABLE KEYS */;
UNLOCK TABLES;

--
-- Table structure for table `consistencygroups`
--

DROP TABLE IF EXISTS `consistencygroups`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `consistencygroups` (
  `created_at` datetime DEFAULT NULL,
  `updated_at` datetime DEFAULT NULL,
  `deleted_at` datetime DEFAULT NULL,
  `deleted` tinyint(1) DEFAULT NULL,
  `id` varchar(36) NOT NULL,
  `user_id` varchar(255) DEFAULT NULL,
  `project_id` varchar(255) DEFAULT NULL,
  `host` varchar(255) DEFAULT NULL,
  `availability_zone` varchar(255) DEFAULT NULL,
  `name` varchar(255) DEFAULT NULL,
  `description` varchar(255) DEFAULT NULL,
  `volume_type_id` varchar(255) DEFAULT NULL,
  `status` varchar(255) DEFAULT NULL,
  `cgsnapshot_id` varchar(36) DEFAULT NULL,
  `source_cgid` varchar(36) DEFAULT NULL,
  `cluster_name` varchar(255) DEFAULT NULL,
  PRIMARY KEY (`id`),
  CONSTRAINT `CONSTRAINT_1` CHECK (`deleted` in (0,1))
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb3 COLLATE=utf8mb3_general_ci;
/*!40101 SET character_set_client = @saved_cs_client */;

--
-- Dumping data for table `consistencygroups`
--

LOCK TABLES `consistencygroups` WRITE;
/*!40000 ALTER TABLE `consistencygroups` DISABLE KEYS */;
/*!40000 ALTER TABLE `consistencygroups` ENABLE KEYS */;
UNLOCK TABLES;

--
-- Table structure for table `default_volume_types`
--

DROP TABLE IF EXISTS `default_volume_types`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `default_volume_types` (
  `created_at` datetime DEFAULT NULL,
  `updated_at` datetime DEFAULT NULL,
  `deleted_at` datetime DEFAULT NULL,
  `volume_type_id` varchar(36) DEFAULT NULL,
  `project_id` varchar(255) NOT NULL,
  `deleted` tinyint(1) DEFAULT NULL,
  PRIMARY KEY (`project_id`),
  KEY `ix_default_volume_types_volume_type_id` (`volume_type_id`),
  CONSTRAINT `default_volume_types_ibfk_1` FOREIGN KEY (`volume_type_id`) REFERENCES `volume_types` (`id`),
  CONSTRAINT `CONSTRAINT_1` CHECK (`deleted` in (0,1))
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb3 COLLATE=utf8mb3_general_ci;
/*!40101 SET character_set_client = @saved_cs_client */;

--
-- Dumping data for table `default_volume_types`
--

LOCK TABLES `default_volume_types` WRITE;
/*!40000 ALTER TABLE `default_volume_types` DISABLE KEYS */;
INSERT INTO `default_volume_types` VALUES
('2026-10-15 20:00:00',NULL,NULL,'0000007e-0000-0000-0000-000000000001','a1fa0000000000000000000000000001',0);
/*!40000 ALTER TABLE `default_volume_types` ENABLE KEYS */;
UNLOCK TABLES;

--
-- Table structure for table `driver_initiator_data`
--

DROP TABLE IF EXISTS `driver_initiator_data`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `driver_initiator_data` (
  `created_at` datetime DEFAULT NULL,
  `updated_at` datetime DEFAULT NULL,
  `id` int(11) NOT NULL AUTO_INCREMENT,
  `initiator` varchar(255) NOT NULL,
  `namespace` varchar(255) NOT NULL,
  `key` varchar(255) NOT NULL,
  `value` varchar(255) DEFAULT NULL,
  PRIMARY KEY (`id`),
  UNIQUE KEY `initiator` (`initiator`,`namespace`,`key`),
  KEY `ix_driver_initiator_data_initiator` (`initiator`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb3 COLLATE=utf8mb3_general_ci;
/*!40101 SET character_set_client = @saved_cs_client */;

--
-- Dumping data for table `driver_initiator_data`
--

LOCK TABLES `driver_initiator_data` WRITE;
/*!40000 ALTER TABLE `driver_initiator_data` DISABLE KEYS */;
/*!40000 ALTER TABLE `driver_initiator_data` ENABLE KEYS */;
UNLOCK TABLES;

--
-- Table structure for table `encryption`
--

DROP TABLE IF EXISTS `encryption`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `encryption` (
  `created_at` datetime DEFAULT NULL,
  `updated_at` datetime DEFAULT NULL,
  `deleted_at` datetime DEFAULT NULL,
  `deleted` tinyint(1) DEFAULT NULL,
  `cipher` varchar(255) DEFAULT NULL,
  `control_location` varchar(255) NOT NULL,
  `key_size` int(11) DEFAULT NULL,
  `provider` varchar(255) NOT NULL,
  `volume_type_id` varchar(36) NOT NULL,
  `encryption_id` varchar(36) NOT NULL,
  PRIMARY KEY (`encryption_id`),
  CONSTRAINT `CONSTRAINT_1` CHECK (`deleted` in (0,1))
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb3 COLLATE=utf8mb3_general_ci;
/*!40101 SET character_set_client = @saved_cs_client */;

--
-- Dumping data for table `encryption`
--

LOCK TABLES `encryption` WRITE;
/*!40000 ALTER TABLE `encryption` DISABLE KEYS */;
INSERT INTO `encryption` VALUES
('2026-10-15 20:00:00',NULL,NULL,0,'aes-xts-plain64','front-end',256,'luks','0000007e-0000-0000-0000-000000000003','000000ec-0000-0000-0000-000000000001');
/*!40000 ALTER TABLE `encryption` ENABLE KEYS */;
UNLOCK TABLES;

--
-- Table structure for table `group_snapshots`
--

DROP TABLE IF EXISTS `group_snapshots`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `group_snapshots` (
  `created_at` datetime DEFAULT NULL,
  `updated_at` datetime DEFAULT NULL,
  `deleted_at` datetime DEFAULT NULL,
  `deleted` tinyint(1) DEFAULT NULL,
  `id` varchar(36) NOT NULL,
  `group_id` varchar(36) NOT NULL,
  `user_id` varchar(255) DEFAULT NULL,
  `project_id` varchar(255) DEFAULT NULL,
  `name` varchar(255) DEFAULT NULL,
  `description` varchar(255) DEFAULT NULL,
  `status` varchar(255) DEFAULT NULL,
  `group_type_id` varchar(36) DEFAULT NULL,
  PRIMARY KEY (`id`),
  KEY `ix_group_snapshots_group_id` (`group_id`),
  KEY `group_snapshots_deleted_project_id_idx` (`deleted`,`project_id`),
  CONSTRAINT `group_snapshots_ibfk_1` FOREIGN KEY (`group_id`) REFERENCES `groups` (`id`),
  CONSTRAINT `CONSTRAINT_1` CHECK (`deleted` in (0,1))
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb3 COLLATE=utf8mb3_general_ci;
/*!40101 SET character_set_client = @saved_cs_client */;

--
-- Dumping data for table `group_snapshots`
--

LOCK TABLES `group_snapshots` WRITE;
/*!40000 ALTER TABLE `group_snapshots` DISABLE KEYS */;
/*!40000 ALTER TABLE `group_snapshots` ENABLE KEYS */;
UNLOCK TABLES;

--
-- Table structure for table `group_type_projects`
--

DROP TABLE IF EXISTS `group_type_projects`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `group_type_projects` (
  `id` int(11) NOT NULL AUTO_INCREMENT,
  `created_at` datetime DEFAULT NULL,
  `updated_at` datetime DEFAULT NULL,
  `deleted_at` datetime DEFAULT NULL,
  `group_type_id` varchar(36) DEFAULT NULL,
  `project_id` varchar(255) DEFAULT NULL,
  `deleted` tinyint(1) DEFAULT NULL,
  PRIMARY KEY (`id`),
  UNIQUE KEY `group_type_id` (`group_type_id`,`project_id`,`deleted`),
  CONSTRAINT `group_type_projects_ibfk_1` FOREIGN KEY (`group_type_id`) REFERENCES `group_types` (`id`),
  CONSTRAINT `CONSTRAINT_1` CHECK (`deleted` in (0,1))
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb3 COLLATE=utf8mb3_general_ci;
/*!40101 SET character_set_client = @saved_cs_client */;

--
-- Dumping data for table `group_type_projects`
--

LOCK TABLES `group_type_projects` WRITE;
/*!40000 ALTER TABLE `group_type_projects` DISABLE KEYS */;
/*!40000 ALTER TABLE `group_type_projects` ENABLE KEYS */;
UNLOCK TABLES;

--
-- Table structure for table `group_type_specs`
--

DROP TABLE IF EXISTS `group_type_specs`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `group_type_specs` (
  `id` int(11) NOT NULL AUTO_INCREMENT,
  `key` varchar(255) DEFAULT NULL,
  `value` varchar(255) DEFAULT NULL,
  `group_type_id` varchar(36) NOT NULL,
  `created_at` datetime DEFAULT NULL,
  `updated_at` datetime DEFAULT NULL,
  `deleted_at` datetime DEFAULT NULL,
  `deleted` tinyint(1) DEFAULT NULL,
  PRIMARY KEY (`id`),
  KEY `ix_group_type_specs_group_type_id` (`group_type_id`),
  CONSTRAINT `group_type_specs_ibfk_1` FOREIGN KEY (`group_type_id`) REFERENCES `group_types` (`id`)
) ENGINE=InnoDB AUTO_INCREMENT=3 DEFAULT CHARSET=utf8mb3 COLLATE=utf8mb3_general_ci;
/*!40101 SET character_set_client = @saved_cs_client */;

--
-- Dumping data for table `group_type_specs`
--

LOCK TABLES `group_type_specs` WRITE;
/*!40000 ALTER TABLE `group_type_specs` DISABLE KEYS */;
INSERT INTO `group_type_specs` VALUES
(1,'consistent_group_snapshot_enabled','<is> True','000000f1-0000-4000-8000-000000000001','2026-11-26 17:13:08','2026-11-26 17:13:08',NULL,0),
(2,'purpose','databases','00000097-0000-0000-0000-000000000001','2026-10-15 20:00:00',NULL,NULL,0);
/*!40000 ALTER TABLE `group_type_specs` ENABLE KEYS */;
UNLOCK TABLES;

--
-- Table structure for table `group_types`
--

DROP TABLE IF EXISTS `group_types`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `group_types` (
  `id` varchar(36) NOT NULL,
  `name` varchar(255) NOT NULL,
  `description` varchar(255) DEFAULT NULL,
  `created_at` datetime DEFAULT NULL,
  `updated_at` datetime DEFAULT NULL,
  `deleted_at` datetime DEFAULT NULL,
  `deleted` tinyint(1) DEFAULT NULL,
  `is_public` tinyint(1) DEFAULT NULL,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb3 COLLATE=utf8mb3_general_ci;
/*!40101 SET character_set_client = @saved_cs_client */;

--
-- Dumping data for table `group_types`
--

LOCK TABLES `group_types` WRITE;
/*!40000 ALTER TABLE `group_types` DISABLE KEYS */;
INSERT INTO `group_types` VALUES
('00000097-0000-0000-0000-000000000001','set','volumes that belong together','2026-10-15 20:00:00',NULL,NULL,0,1),
('000000f1-0000-4000-8000-000000000001','default_cgsnapshot_type','Default group type for migrating cgsnapshot','2026-11-26 17:13:08','2026-11-26 17:13:08',NULL,0,1);
/*!40000 ALTER TABLE `group_types` ENABLE KEYS */;
UNLOCK TABLES;

--
-- Table structure for table `group_volume_type_mapping`
--

DROP TABLE IF EXISTS `group_volume_type_mapping`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `group_volume_type_mapping` (
  `created_at` datetime DEFAULT NULL,
  `updated_at` datetime DEFAULT NULL,
  `deleted_at` datetime DEFAULT NULL,
  `deleted` tinyint(1) DEFAULT NULL,
  `id` int(11) NOT NULL AUTO_INCREMENT,
  `volume_type_id` varchar(36) NOT NULL,
  `group_id` varchar(36) NOT NULL,
  PRIMARY KEY (`id`),
  KEY `ix_group_volume_type_mapping_group_id` (`group_id`),
  KEY `ix_group_volume_type_mapping_volume_type_id` (`volume_type_id`),
  CONSTRAINT `group_volume_type_mapping_ibfk_1` FOREIGN KEY (`volume_type_id`) REFERENCES `volume_types` (`id`),
  CONSTRAINT `group_volume_type_mapping_ibfk_2` FOREIGN KEY (`group_id`) REFERENCES `groups` (`id`)
) ENGINE=InnoDB AUTO_INCREMENT=2 DEFAULT CHARSET=utf8mb3 COLLATE=utf8mb3_general_ci;
/*!40101 SET character_set_client = @saved_cs_client */;

--
-- Dumping data for table `group_volume_type_mapping`
--

LOCK TABLES `group_volume_type_mapping` WRITE;
/*!40000 ALTER TABLE `group_volume_type_mapping` DISABLE KEYS */;
INSERT INTO `group_volume_type_mapping` VALUES
('2026-10-20 00:00:00',NULL,NULL,0,1,'0000007e-0000-0000-0000-000000000001','00000096-0000-0000-0000-000000000001');
/*!40000 ALTER TABLE `group_volume_type_mapping` ENABLE KEYS */;
UNLOCK TABLES;

--
-- Table structure for table `groups`
--

DROP TABLE IF EXISTS `groups`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `groups` (
  `created_at` datetime DEFAULT NULL,
  `updated_at` datetime DEFAULT NULL,
  `deleted_at` datetime DEFAULT NULL,
  `deleted` tinyint(1) DEFAULT NULL,
  `id` varchar(36) NOT NULL,
  `user_id` varchar(255) DEFAULT NULL,
  `project_id` varchar(255) DEFAULT NULL,
  `cluster_name` varchar(255) DEFAULT NULL,
  `host` varchar(255) DEFAULT NULL,
  `availability_zone` varchar(255) DEFAULT NULL,
  `name` varchar(255) DEFAULT NULL,
  `description` varchar(255) DEFAULT NULL,
  `group_type_id` varchar(36) DEFAULT NULL,
  `status` varchar(255) DEFAULT NULL,
  `group_snapshot_id` varchar(36) DEFAULT NULL,
  `source_group_id` varchar(36) DEFAULT NULL,
  `replication_status` varchar(255) DEFAULT NULL,
  PRIMARY KEY (`id`),
  KEY `groups_deleted_project_id_idx` (`deleted`,`project_id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb3 COLLATE=utf8mb3_general_ci;
/*!40101 SET character_set_client = @saved_cs_client */;

--
-- Dumping data for table `groups`
--

LOCK TABLES `groups` WRITE;
/*!40000 ALTER TABLE `groups` DISABLE KEYS */;
INSERT INTO `groups` VALUES
('2026-10-20 00:00:00',NULL,NULL,0,'00000096-0000-0000-0000-000000000001','uuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuu','a1fa0000000000000000000000000001',NULL,'cinder1@lvm#cinder-volumes','nova','db','','00000097-0000-0000-0000-000000000001','available',NULL,NULL,NULL);
/*!40000 ALTER TABLE `groups` ENABLE KEYS */;
UNLOCK TABLES;

--
-- Table structure for table `image_volume_cache_entries`
--

DROP TABLE IF EXISTS `image_volume_cache_entries`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `image_volume_cache_entries` (
  `image_updated_at` datetime DEFAULT NULL,
  `id` int(11) NOT NULL AUTO_INCREMENT,
  `host` varchar(255) NOT NULL,
  `image_id` varchar(36) NOT NULL,
  `volume_id` varchar(36) NOT NULL,
  `size` int(11) NOT NULL,
  `last_used` datetime NOT NULL,
  `cluster_name` varchar(255) DEFAULT NULL,
  PRIMARY KEY (`id`),
  KEY `ix_image_volume_cache_entries_image_id` (`image_id`),
  KEY `ix_image_volume_cache_entries_host` (`host`)
) ENGINE=InnoDB AUTO_INCREMENT=2 DEFAULT CHARSET=utf8mb3 COLLATE=utf8mb3_general_ci;
/*!40101 SET character_set_client = @saved_cs_client */;

--
-- Dumping data for table `image_volume_cache_entries`
--

LOCK TABLES `image_volume_cache_entries` WRITE;
/*!40000 ALTER TABLE `image_volume_cache_entries` DISABLE KEYS */;
INSERT INTO `image_volume_cache_entries` VALUES
('2026-11-26 12:00:00',1,'cinder1@lvm#cinder-volumes','0000001a-0000-0000-0000-000000000001','000000c1-0000-0000-0000-000000000018',4,'2026-10-20 00:00:00',NULL);
/*!40000 ALTER TABLE `image_volume_cache_entries` ENABLE KEYS */;
UNLOCK TABLES;

--
-- Table structure for table `messages`
--

DROP TABLE IF EXISTS `messages`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `messages` (
  `id` varchar(36) NOT NULL,
  `project_id` varchar(255) NOT NULL,
  `request_id` varchar(255) DEFAULT NULL,
  `resource_type` varchar(36) DEFAULT NULL,
  `resource_uuid` varchar(255) DEFAULT NULL,
  `event_id` varchar(255) NOT NULL,
  `message_level` varchar(255) NOT NULL,
  `created_at` datetime DEFAULT NULL,
  `updated_at` datetime DEFAULT NULL,
  `deleted_at` datetime DEFAULT NULL,
  `deleted` tinyint(1) DEFAULT NULL,
  `expires_at` datetime DEFAULT NULL,
  `detail_id` varchar(10) DEFAULT NULL,
  `action_id` varchar(10) DEFAULT NULL,
  PRIMARY KEY (`id`),
  KEY `ix_messages_expires_at` (`expires_at`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb3 COLLATE=utf8mb3_general_ci;
/*!40101 SET character_set_client = @saved_cs_client */;

--
-- Dumping data for table `messages`
--

LOCK TABLES `messages` WRITE;
/*!40000 ALTER TABLE `messages` DISABLE KEYS */;
/*!40000 ALTER TABLE `messages` ENABLE KEYS */;
UNLOCK TABLES;

--
-- Table structure for table `quality_of_service_specs`
--

DROP TABLE IF EXISTS `quality_of_service_specs`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `quality_of_service_specs` (
  `created_at` datetime DEFAULT NULL,
  `updated_at` datetime DEFAULT NULL,
  `deleted_at` datetime DEFAULT NULL,
  `deleted` tinyint(1) DEFAULT NULL,
  `id` varchar(36) NOT NULL,
  `specs_id` varchar(36) DEFAULT NULL,
  `key` varchar(255) DEFAULT NULL,
  `value` varchar(255) DEFAULT NULL,
  PRIMARY KEY (`id`),
  KEY `ix_quality_of_service_specs_specs_id` (`specs_id`),
  CONSTRAINT `quality_of_service_specs_ibfk_1` FOREIGN KEY (`specs_id`) REFERENCES `quality_of_service_specs` (`id`),
  CONSTRAINT `CONSTRAINT_1` CHECK (`deleted` in (0,1))
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb3 COLLATE=utf8mb3_general_ci;
/*!40101 SET character_set_client = @saved_cs_client */;

--
-- Dumping data for table `quality_of_service_specs`
--

LOCK TABLES `quality_of_service_specs` WRITE;
/*!40000 ALTER TABLE `quality_of_service_specs` DISABLE KEYS */;
INSERT INTO `quality_of_service_specs` VALUES
('2026-10-15 20:00:00',NULL,NULL,0,'000000f1-0000-4000-8000-000000000004',NULL,'QoS_Specs_Name','slow'),
('2026-10-15 20:00:00',NULL,NULL,0,'000000f1-0000-4000-8000-000000000005','000000f1-0000-4000-8000-000000000004','consumer','back-end'),
('2026-10-15 20:00:00',NULL,NULL,0,'000000f1-0000-4000-8000-000000000006','000000f1-0000-4000-8000-000000000004','total_iops_sec','500');
/*!40000 ALTER TABLE `quality_of_service_specs` ENABLE KEYS */;
UNLOCK TABLES;

--
-- Table structure for table `quota_classes`
--

DROP TABLE IF EXISTS `quota_classes`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `quota_classes` (
  `created_at` datetime DEFAULT NULL,
  `updated_at` datetime DEFAULT NULL,
  `deleted_at` datetime DEFAULT NULL,
  `deleted` tinyint(1) DEFAULT NULL,
  `id` int(11) NOT NULL AUTO_INCREMENT,
  `class_name` varchar(255) DEFAULT NULL,
  `resource` varchar(300) DEFAULT NULL,
  `hard_limit` int(11) DEFAULT NULL,
  PRIMARY KEY (`id`),
  KEY `ix_quota_classes_class_name` (`class_name`),
  CONSTRAINT `CONSTRAINT_1` CHECK (`deleted` in (0,1))
) ENGINE=InnoDB AUTO_INCREMENT=8 DEFAULT CHARSET=utf8mb3 COLLATE=utf8mb3_general_ci;
/*!40101 SET character_set_client = @saved_cs_client */;

--
-- Dumping data for table `quota_classes`
--

LOCK TABLES `quota_classes` WRITE;
/*!40000 ALTER TABLE `quota_classes` DISABLE KEYS */;
INSERT INTO `quota_classes` VALUES
('2026-11-26 17:13:04',NULL,NULL,0,1,'default','volumes',10),
('2026-11-26 17:13:04','2026-10-15 20:00:00',NULL,0,2,'default','snapshots',12),
('2026-11-26 17:13:04',NULL,NULL,0,3,'default','gigabytes',1000),
('2026-11-26 17:13:04',NULL,NULL,0,4,'default','per_volume_gigabytes',-1),
('2026-11-26 17:13:04',NULL,NULL,0,5,'default','groups',10),
('2026-11-26 17:13:09',NULL,NULL,0,6,'default','backups',10),
('2026-11-26 17:13:09',NULL,NULL,0,7,'default','backup_gigabytes',1000);
/*!40000 ALTER TABLE `quota_classes` ENABLE KEYS */;
UNLOCK TABLES;

--
-- Table structure for table `quota_usages`
--

DROP TABLE IF EXISTS `quota_usages`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `quota_usages` (
  `created_at` datetime DEFAULT NULL,
  `updated_at` datetime DEFAULT NULL,
  `deleted_at` datetime DEFAULT NULL,
  `deleted` tinyint(1) DEFAULT NULL,
  `id` int(11) NOT NULL AUTO_INCREMENT,
  `project_id` varchar(255) DEFAULT NULL,
  `resource` varchar(300) DEFAULT NULL,
  `in_use` int(11) NOT NULL,
  `reserved` int(11) NOT NULL,
  `until_refresh` int(11) DEFAULT NULL,
  `race_preventer` tinyint(1) DEFAULT NULL,
  PRIMARY KEY (`id`),
  UNIQUE KEY `project_id` (`project_id`,`resource`,`race_preventer`),
  KEY `quota_usage_project_resource_idx` (`project_id`,`resource`),
  KEY `ix_quota_usages_project_id` (`project_id`),
  CONSTRAINT `CONSTRAINT_1` CHECK (`deleted` in (0,1))
) ENGINE=InnoDB AUTO_INCREMENT=31 DEFAULT CHARSET=utf8mb3 COLLATE=utf8mb3_general_ci;
/*!40101 SET character_set_client = @saved_cs_client */;

--
-- Dumping data for table `quota_usages`
--

LOCK TABLES `quota_usages` WRITE;
/*!40000 ALTER TABLE `quota_usages` DISABLE KEYS */;
INSERT INTO `quota_usages` VALUES
('2026-10-20 00:00:00','2026-10-20 00:00:00',NULL,0,1,'a1fa0000000000000000000000000001','groups',1,0,NULL,1),
('2026-10-20 00:00:00','2026-11-26 11:00:00',NULL,0,2,'a1fa0000000000000000000000000001','volumes',7,2,NULL,1),
('2026-10-20 00:00:00','2026-11-26 11:00:00',NULL,0,3,'a1fa0000000000000000000000000001','gigabytes',23,12,NULL,1),
('2026-10-20 00:00:00','2026-11-26 10:00:00',NULL,0,4,'a1fa0000000000000000000000000001','volumes_gold',3,2,NULL,1),
('2026-10-20 00:00:00','2026-11-25 06:00:00',NULL,0,5,'a1fa0000000000000000000000000001','gigabytes_gold',8,12,NULL,1),
('2026-10-20 00:00:00','2026-11-26 11:00:00',NULL,0,6,'a1fa0000000000000000000000000001','volumes___DEFAULT__',4,0,NULL,1),
('2026-10-20 00:00:00','2026-11-26 11:00:00',NULL,0,7,'a1fa0000000000000000000000000001','gigabytes___DEFAULT__',15,0,NULL,1),
('2026-10-20 00:00:00','2026-11-25 06:00:00',NULL,0,8,'be7a0000000000000000000000000002','volumes',7,0,NULL,1),
('2026-10-20 00:00:00','2026-11-25 06:00:00',NULL,0,9,'be7a0000000000000000000000000002','gigabytes',8,0,NULL,1),
('2026-10-20 00:00:00','2026-10-20 00:00:00',NULL,0,10,'be7a0000000000000000000000000002','volumes_lab',1,0,NULL,1),
('2026-10-20 00:00:00','2026-10-20 00:00:00',NULL,0,11,'be7a0000000000000000000000000002','gigabytes_lab',1,0,NULL,1),
('2026-10-20 00:00:00','2026-10-20 00:00:00',NULL,0,12,'be7a0000000000000000000000000002','volumes_shared_one',1,0,NULL,1),
('2026-10-20 00:00:00','2026-10-20 00:00:00',NULL,0,13,'be7a0000000000000000000000000002','gigabytes_shared_one',2,0,NULL,1),
('2026-10-20 00:00:00','2026-11-25 06:00:00',NULL,0,14,'a1fa0000000000000000000000000001','snapshots',3,0,NULL,1),
('2026-10-20 00:00:00','2026-11-25 06:00:00',NULL,0,15,'a1fa0000000000000000000000000001','snapshots_gold',2,0,NULL,1),
('2026-10-20 00:00:00','2026-10-20 00:00:00',NULL,0,16,'a1fa0000000000000000000000000001','snapshots___DEFAULT__',1,0,NULL,1),
('2026-10-20 00:00:00','2026-10-20 00:00:00',NULL,0,17,'be7a0000000000000000000000000002','volumes_luks',1,0,NULL,1),
('2026-10-20 00:00:00','2026-10-20 00:00:00',NULL,0,18,'be7a0000000000000000000000000002','gigabytes_luks',1,0,NULL,1),
('2026-10-20 00:00:00','2026-10-20 00:00:00',NULL,0,19,'be7a0000000000000000000000000002','volumes_gold',3,0,NULL,1),
('2026-10-20 00:00:00','2026-10-20 00:00:00',NULL,0,20,'be7a0000000000000000000000000002','gigabytes_gold',3,0,NULL,1),
('2026-10-20 00:00:00','2026-10-20 00:00:00',NULL,0,21,'9a33a000000000000000000000000003','volumes',1,0,NULL,1),
('2026-10-20 00:00:00','2026-10-20 00:00:00',NULL,0,22,'9a33a000000000000000000000000003','gigabytes',4,0,NULL,1),
('2026-10-20 00:00:00','2026-10-20 00:00:00',NULL,0,23,'9a33a000000000000000000000000003','volumes___DEFAULT__',1,0,NULL,1),
('2026-10-20 00:00:00','2026-10-20 00:00:00',NULL,0,24,'9a33a000000000000000000000000003','gigabytes___DEFAULT__',4,0,NULL,1),
('2026-10-20 00:00:00','2026-10-20 00:00:00',NULL,0,25,'a1fa0000000000000000000000000001','backups',1,0,NULL,1),
('2026-10-20 00:00:00','2026-10-20 00:00:00',NULL,0,26,'a1fa0000000000000000000000000001','backup_gigabytes',2,0,NULL,1),
('2026-11-25 06:00:00','2026-11-25 06:00:00',NULL,0,27,'be7a0000000000000000000000000002','volumes___DEFAULT__',2,0,NULL,1),
('2026-11-25 06:00:00','2026-11-25 06:00:00',NULL,0,28,'be7a0000000000000000000000000002','gigabytes___DEFAULT__',7,0,NULL,1),
('2026-11-26 11:00:00',NULL,NULL,0,29,'be7a0000000000000000000000000002','volumes',2,0,NULL,NULL),
('2026-11-26 11:00:00',NULL,NULL,0,30,'9a33a000000000000000000000000003','volumes_gone',1,0,NULL,NULL);
/*!40000 ALTER TABLE `quota_usages` ENABLE KEYS */;
UNLOCK TABLES;

--
-- Table structure for table `quotas`
--

DROP TABLE IF EXISTS `quotas`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `quotas` (
  `id` int(11) NOT NULL AUTO_INCREMENT,
  `created_at` datetime DEFAULT NULL,
  `updated_at` datetime DEFAULT NULL,
  `deleted_at` datetime DEFAULT NULL,
  `deleted` tinyint(1) DEFAULT NULL,
  `project_id` varchar(255) DEFAULT NULL,
  `resource` varchar(300) NOT NULL,
  `hard_limit` int(11) DEFAULT NULL,
  `allocated` int(11) DEFAULT NULL,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB AUTO_INCREMENT=5 DEFAULT CHARSET=utf8mb3 COLLATE=utf8mb3_general_ci;
/*!40101 SET character_set_client = @saved_cs_client */;

--
-- Dumping data for table `quotas`
--

LOCK TABLES `quotas` WRITE;
/*!40000 ALTER TABLE `quotas` DISABLE KEYS */;
INSERT INTO `quotas` VALUES
(1,'2026-10-15 20:00:00',NULL,NULL,0,'a1fa0000000000000000000000000001','volumes',20,NULL),
(2,'2026-10-15 20:00:00',NULL,NULL,0,'a1fa0000000000000000000000000001','gigabytes',100,NULL),
(3,'2026-10-15 20:00:00',NULL,NULL,0,'a1fa0000000000000000000000000001','volumes_gold',8,NULL),
(4,'2026-10-15 20:00:00',NULL,NULL,0,'9a33a000000000000000000000000003','consistencygroups',3,NULL);
/*!40000 ALTER TABLE `quotas` ENABLE KEYS */;
UNLOCK TABLES;

--
-- Table structure for table `reservations`
--

DROP TABLE IF EXISTS `reservations`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `reservations` (
  `created_at` datetime DEFAULT NULL,
  `updated_at` datetime DEFAULT NULL,
  `deleted_at` datetime DEFAULT NULL,
  `deleted` tinyint(1) DEFAULT NULL,
  `id` int(11) NOT NULL AUTO_INCREMENT,
  `uuid` varchar(36) NOT NULL,
  `usage_id` int(11) DEFAULT NULL,
  `project_id` varchar(255) DEFAULT NULL,
  `resource` varchar(300) DEFAULT NULL,
  `delta` int(11) NOT NULL,
  `expire` datetime DEFAULT NULL,
  `allocated_id` int(11) DEFAULT NULL,
  PRIMARY KEY (`id`),
  KEY `reservations_deleted_uuid_idx` (`deleted`,`uuid`),
  KEY `ix_reservations_project_id` (`project_id`),
  KEY `ix_reservations_allocated_id` (`allocated_id`),
  KEY `reservations_deleted_expire_idx` (`deleted`,`expire`),
  KEY `ix_reservations_usage_id` (`usage_id`),
  CONSTRAINT `reservations_ibfk_1` FOREIGN KEY (`usage_id`) REFERENCES `quota_usages` (`id`),
  CONSTRAINT `reservations_ibfk_2` FOREIGN KEY (`allocated_id`) REFERENCES `quotas` (`id`),
  CONSTRAINT `CONSTRAINT_1` CHECK (`deleted` in (0,1))
) ENGINE=InnoDB AUTO_INCREMENT=92 DEFAULT CHARSET=utf8mb3 COLLATE=utf8mb3_general_ci;
/*!40101 SET character_set_client = @saved_cs_client */;

--
-- Dumping data for table `reservations`
--

LOCK TABLES `reservations` WRITE;
/*!40000 ALTER TABLE `reservations` DISABLE KEYS */;
INSERT INTO `reservations` VALUES
('2026-10-20 00:00:00','2026-10-20 00:00:00','2026-10-20 00:00:00',1,1,'000000f1-0000-4000-8000-000000000007',1,'a1fa0000000000000000000000000001','groups',1,'2026-10-21 00:00:00',NULL),
('2026-10-20 00:00:00','2026-10-20 00:00:00','2026-10-20 00:00:00',1,2,'000000f1-0000-4000-8000-000000000009',2,'a1fa0000000000000000000000000001','volumes',1,'2026-10-21 00:00:00',NULL),
('2026-10-20 00:00:00','2026-10-20 00:00:00','2026-10-20 00:00:00',1,3,'000000f1-0000-4000-8000-00000000000a',3,'a1fa0000000000000000000000000001','gigabytes',2,'2026-10-21 00:00:00',NULL),
('2026-10-20 00:00:00','2026-10-20 00:00:00','2026-10-20 00:00:00',1,4,'000000f1-0000-4000-8000-00000000000b',4,'a1fa0000000000000000000000000001','volumes_gold',1,'2026-10-21 00:00:00',NULL),
('2026-10-20 00:00:00','2026-10-20 00:00:00','2026-10-20 00:00:00',1,5,'000000f1-0000-4000-8000-00000000000c',5,'a1fa0000000000000000000000000001','gigabytes_gold',2,'2026-10-21 00:00:00',NULL),
('2026-10-20 00:00:00','2026-10-20 00:00:00','2026-10-20 00:00:00',1,6,'000000f1-0000-4000-8000-00000000000e',2,'a1fa0000000000000000000000000001','volumes',1,'2026-10-21 00:00:00',NULL),
('2026-10-20 00:00:00','2026-10-20 00:00:00','2026-10-20 00:00:00',1,7,'000000f1-0000-4000-8000-00000000000f',3,'a1fa0000000000000000000000000001','gigabytes',1,'2026-10-21 00:00:00',NULL),
('2026-10-20 00:00:00','2026-10-20 00:00:00','2026-10-20 00:00:00',1,8,'000000f1-0000-4000-8000-000000000010',4,'a1fa0000000000000000000000000001','volumes_gold',1,'2026-10-21 00:00:00',NULL),
('2026-10-20 00:00:00','2026-10-20 00:00:00','2026-10-20 00:00:00',1,9,'000000f1-0000-4000-8000-000000000011',5,'a1fa0000000000000000000000000001','gigabytes_gold',1,'2026-10-21 00:00:00',NULL),
('2026-10-20 00:00:00','2026-10-20 00:00:00','2026-10-20 00:00:00',1,10,'000000f1-0000-4000-8000-000000000013',2,'a1fa0000000000000000000000000001','volumes',1,'2026-10-21 00:00:00',NULL),
('2026-10-20 00:00:00','2026-10-20 00:00:00','2026-10-20 00:00:00',1,11,'000000f1-0000-4000-8000-000000000014',3,'a1fa0000000000000000000000000001','gigabytes',3,'2026-10-21 00:00:00',NULL),
('2026-10-20 00:00:00','2026-10-20 00:00:00','2026-10-20 00:00:00',1,12,'000000f1-0000-4000-8000-000000000015',6,'a1fa0000000000000000000000000001','volumes___DEFAULT__',1,'2026-10-21 00:00:00',NULL),
('2026-10-20 00:00:00','2026-10-20 00:00:00','2026-10-20 00:00:00',1,13,'000000f1-0000-4000-8000-000000000016',7,'a1fa0000000000000000000000000001','gigabytes___DEFAULT__',3,'2026-10-21 00:00:00',NULL),
('2026-10-20 00:00:00','2026-10-20 00:00:00','2026-10-20 00:00:00',1,14,'000000f1-0000-4000-8000-000000000018',2,'a1fa0000000000000000000000000001','volumes',1,'2026-10-21 00:00:00',NULL),
('2026-10-20 00:00:00','2026-10-20 00:00:00','2026-10-20 00:00:00',1,15,'000000f1-0000-4000-8000-000000000019',3,'a1fa0000000000000000000000000001','gigabytes',1,'2026-10-21 00:00:00',NULL),
('2026-10-20 00:00:00','2026-10-20 00:00:00','2026-10-20 00:00:00',1,16,'000000f1-0000-4000-8000-00000000001a',4,'a1fa0000000000000000000000000001','volumes_gold',1,'2026-10-21 00:00:00',NULL),
('2026-10-20 00:00:00','2026-10-20 00:00:00','2026-10-20 00:00:00',1,17,'000000f1-0000-4000-8000-00000000001b',5,'a1fa0000000000000000000000000001','gigabytes_gold',1,'2026-10-21 00:00:00',NULL),
('2026-10-20 00:00:00','2026-10-20 00:00:00','2026-10-20 00:00:00',1,18,'000000f1-0000-4000-8000-00000000001d',8,'be7a0000000000000000000000000002','volumes',1,'2026-10-21 00:00:00',NULL),
('2026-10-20 00:00:00','2026-10-20 00:00:00','2026-10-20 00:00:00',1,19,'000000f1-0000-4000-8000-00000000001e',9,'be7a0000000000000000000000000002','gigabytes',1,'2026-10-21 00:00:00',NULL),
('2026-10-20 00:00:00','2026-10-20 00:00:00','2026-10-20 00:00:00',1,20,'000000f1-0000-4000-8000-00000000001f',10,'be7a0000000000000000000000000002','volumes_lab',1,'2026-10-21 00:00:00',NULL),
('2026-10-20 00:00:00','2026-10-20 00:00:00','2026-10-20 00:00:00',1,21,'000000f1-0000-4000-8000-000000000020',11,'be7a0000000000000000000000000002','gigabytes_lab',1,'2026-10-21 00:00:00',NULL),
('2026-10-20 00:00:00','2026-10-20 00:00:00','2026-10-20 00:00:00',1,22,'000000f1-0000-4000-8000-000000000022',8,'be7a0000000000000000000000000002','volumes',1,'2026-10-21 00:00:00',NULL),
('2026-10-20 00:00:00','2026-10-20 00:00:00','2026-10-20 00:00:00',1,23,'000000f1-0000-4000-8000-000000000023',9,'be7a0000000000000000000000000002','gigabytes',2,'2026-10-21 00:00:00',NULL),
('2026-10-20 00:00:00','2026-10-20 00:00:00','2026-10-20 00:00:00',1,24,'000000f1-0000-4000-8000-000000000024',12,'be7a0000000000000000000000000002','volumes_shared_one',1,'2026-10-21 00:00:00',NULL),
('2026-10-20 00:00:00','2026-10-20 00:00:00','2026-10-20 00:00:00',1,25,'000000f1-0000-4000-8000-000000000025',13,'be7a0000000000000000000000000002','gigabytes_shared_one',2,'2026-10-21 00:00:00',NULL),
('2026-10-20 00:00:00','2026-10-20 00:00:00','2026-10-20 00:00:00',1,26,'000000f1-0000-4000-8000-000000000027',14,'a1fa0000000000000000000000000001','snapshots',1,'2026-10-21 00:00:00',NULL),
('2026-10-20 00:00:00','2026-10-20 00:00:00','2026-10-20 00:00:00',1,27,'000000f1-0000-4000-8000-000000000028',3,'a1fa0000000000000000000000000001','gigabytes',2,'2026-10-21 00:00:00',NULL),
('2026-10-20 00:00:00','2026-10-20 00:00:00','2026-10-20 00:00:00',1,28,'000000f1-0000-4000-8000-000000000029',15,'a1fa0000000000000000000000000001','snapshots_gold',1,'2026-10-21 00:00:00',NULL),
('2026-10-20 00:00:00','2026-10-20 00:00:00','2026-10-20 00:00:00',1,29,'000000f1-0000-4000-8000-00000000002a',5,'a1fa0000000000000000000000000001','gigabytes_gold',2,'2026-10-21 00:00:00',NULL),
('2026-10-20 00:00:00','2026-10-20 00:00:00','2026-10-20 00:00:00',1,30,'000000f1-0000-4000-8000-00000000002c',14,'a1fa0000000000000000000000000001','snapshots',1,'2026-10-21 00:00:00',NULL),
('2026-10-20 00:00:00','2026-10-20 00:00:00','2026-10-20 00:00:00',1,31,'000000f1-0000-4000-8000-00000000002d',3,'a1fa0000000000000000000000000001','gigabytes',1,'2026-10-21 00:00:00',NULL),
('2026-10-20 00:00:00','2026-10-20 00:00:00','2026-10-20 00:00:00',1,32,'000000f1-0000-4000-8000-00000000002e',16,'a1fa0000000000000000000000000001','snapshots___DEFAULT__',1,'2026-10-21 00:00:00',NULL),
('2026-10-20 00:00:00','2026-10-20 00:00:00','2026-10-20 00:00:00',1,33,'000000f1-0000-4000-8000-00000000002f',7,'a1fa0000000000000000000000000001','gigabytes___DEFAULT__',1,'2026-10-21 00:00:00',NULL),
('2026-10-20 00:00:00','2026-10-20 00:00:00','2026-10-20 00:00:00',1,34,'000000f1-0000-4000-8000-000000000031',8,'be7a0000000000000000000000000002','volumes',1,'2026-10-21 00:00:00',NULL),
('2026-10-20 00:00:00','2026-10-20 00:00:00','2026-10-20 00:00:00',1,35,'000000f1-0000-4000-8000-000000000032',9,'be7a0000000000000000000000000002','gigabytes',1,'2026-10-21 00:00:00',NULL),
('2026-10-20 00:00:00','2026-10-20 00:00:00','2026-10-20 00:00:00',1,36,'000000f1-0000-4000-8000-000000000033',17,'be7a0000000000000000000000000002','volumes_luks',1,'2026-10-21 00:00:00',NULL),
('2026-10-20 00:00:00','2026-10-20 00:00:00','2026-10-20 00:00:00',1,37,'000000f1-0000-4000-8000-000000000034',18,'be7a0000000000000000000000000002','gigabytes_luks',1,'2026-10-21 00:00:00',NULL),
('2026-10-20 00:00:00','2026-10-20 00:00:00','2026-10-20 00:00:00',1,38,'000000f1-0000-4000-8000-000000000036',8,'be7a0000000000000000000000000002','volumes',1,'2026-10-21 00:00:00',NULL),
('2026-10-20 00:00:00','2026-10-20 00:00:00','2026-10-20 00:00:00',1,39,'000000f1-0000-4000-8000-000000000037',9,'be7a0000000000000000000000000002','gigabytes',1,'2026-10-21 00:00:00',NULL),
('2026-10-20 00:00:00','2026-10-20 00:00:00','2026-10-20 00:00:00',1,40,'000000f1-0000-4000-8000-000000000038',19,'be7a0000000000000000000000000002','volumes_gold',1,'2026-10-21 00:00:00',NULL),
('2026-10-20 00:00:00','2026-10-20 00:00:00','2026-10-20 00:00:00',1,41,'000000f1-0000-4000-8000-000000000039',20,'be7a0000000000000000000000000002','gigabytes_gold',1,'2026-10-21 00:00:00',NULL),
('2026-10-20 00:00:00','2026-10-20 00:00:00','2026-10-20 00:00:00',1,42,'000000f1-0000-4000-8000-00000000003b',8,'be7a0000000000000000000000000002','volumes',1,'2026-10-21 00:00:00',NULL),
('2026-10-20 00:00:00','2026-10-20 00:00:00','2026-10-20 00:00:00',1,43,'000000f1-0000-4000-8000-00000000003c',9,'be7a0000000000000000000000000002','gigabytes',1,'2026-10-21 00:00:00',NULL),
('2026-10-20 00:00:00','2026-10-20 00:00:00','2026-10-20 00:00:00',1,44,'000000f1-0000-4000-8000-00000000003d',19,'be7a0000000000000000000000000002','volumes_gold',1,'2026-10-21 00:00:00',NULL),
('2026-10-20 00:00:00','2026-10-20 00:00:00','2026-10-20 00:00:00',1,45,'000000f1-0000-4000-8000-00000000003e',20,'be7a0000000000000000000000000002','gigabytes_gold',1,'2026-10-21 00:00:00',NULL),
('2026-10-20 00:00:00','2026-10-20 00:00:00','2026-10-20 00:00:00',1,46,'000000f1-0000-4000-8000-000000000040',21,'9a33a000000000000000000000000003','volumes',1,'2026-10-21 00:00:00',NULL),
('2026-10-20 00:00:00','2026-10-20 00:00:00','2026-10-20 00:00:00',1,47,'000000f1-0000-4000-8000-000000000041',22,'9a33a000000000000000000000000003','gigabytes',4,'2026-10-21 00:00:00',NULL),
('2026-10-20 00:00:00','2026-10-20 00:00:00','2026-10-20 00:00:00',1,48,'000000f1-0000-4000-8000-000000000042',23,'9a33a000000000000000000000000003','volumes___DEFAULT__',1,'2026-10-21 00:00:00',NULL),
('2026-10-20 00:00:00','2026-10-20 00:00:00','2026-10-20 00:00:00',1,49,'000000f1-0000-4000-8000-000000000043',24,'9a33a000000000000000000000000003','gigabytes___DEFAULT__',4,'2026-10-21 00:00:00',NULL),
('2026-10-20 00:00:00','2026-10-20 00:00:00','2026-10-20 00:00:00',1,50,'000000f1-0000-4000-8000-000000000045',8,'be7a0000000000000000000000000002','volumes',1,'2026-10-21 00:00:00',NULL),
('2026-10-20 00:00:00','2026-10-20 00:00:00','2026-10-20 00:00:00',1,51,'000000f1-0000-4000-8000-000000000046',9,'be7a0000000000000000000000000002','gigabytes',1,'2026-10-21 00:00:00',NULL),
('2026-10-20 00:00:00','2026-10-20 00:00:00','2026-10-20 00:00:00',1,52,'000000f1-0000-4000-8000-000000000047',19,'be7a0000000000000000000000000002','volumes_gold',1,'2026-10-21 00:00:00',NULL),
('2026-10-20 00:00:00','2026-10-20 00:00:00','2026-10-20 00:00:00',1,53,'000000f1-0000-4000-8000-000000000048',20,'be7a0000000000000000000000000002','gigabytes_gold',1,'2026-10-21 00:00:00',NULL),
('2026-10-20 00:00:00','2026-10-20 00:00:00','2026-10-20 00:00:00',1,54,'000000f1-0000-4000-8000-00000000004a',2,'a1fa0000000000000000000000000001','volumes',1,'2026-10-21 00:00:00',NULL),
('2026-10-20 00:00:00','2026-10-20 00:00:00','2026-10-20 00:00:00',1,55,'000000f1-0000-4000-8000-00000000004b',3,'a1fa0000000000000000000000000001','gigabytes',1,'2026-10-21 00:00:00',NULL),
('2026-10-20 00:00:00','2026-10-20 00:00:00','2026-10-20 00:00:00',1,56,'000000f1-0000-4000-8000-00000000004c',4,'a1fa0000000000000000000000000001','volumes_gold',1,'2026-10-21 00:00:00',NULL),
('2026-10-20 00:00:00','2026-10-20 00:00:00','2026-10-20 00:00:00',1,57,'000000f1-0000-4000-8000-00000000004d',5,'a1fa0000000000000000000000000001','gigabytes_gold',1,'2026-10-21 00:00:00',NULL),
('2026-10-20 00:00:00','2026-10-20 00:00:00','2026-10-20 00:00:00',1,58,'000000f1-0000-4000-8000-00000000004f',2,'a1fa0000000000000000000000000001','volumes',-1,'2026-10-21 00:00:00',NULL),
('2026-10-20 00:00:00','2026-10-20 00:00:00','2026-10-20 00:00:00',1,59,'000000f1-0000-4000-8000-000000000050',3,'a1fa0000000000000000000000000001','gigabytes',-1,'2026-10-21 00:00:00',NULL),
('2026-10-20 00:00:00','2026-10-20 00:00:00','2026-10-20 00:00:00',1,60,'000000f1-0000-4000-8000-000000000051',4,'a1fa0000000000000000000000000001','volumes_gold',-1,'2026-10-21 00:00:00',NULL),
('2026-10-20 00:00:00','2026-10-20 00:00:00','2026-10-20 00:00:00',1,61,'000000f1-0000-4000-8000-000000000052',5,'a1fa0000000000000000000000000001','gigabytes_gold',-1,'2026-10-21 00:00:00',NULL),
('2026-10-20 00:00:00','2026-10-20 00:00:00','2026-10-20 00:00:00',1,62,'000000f1-0000-4000-8000-000000000054',25,'a1fa0000000000000000000000000001','backups',1,'2026-10-21 00:00:00',NULL),
('2026-10-20 00:00:00','2026-10-20 00:00:00','2026-10-20 00:00:00',1,63,'000000f1-0000-4000-8000-000000000055',26,'a1fa0000000000000000000000000001','backup_gigabytes',2,'2026-10-21 00:00:00',NULL),
('2026-11-24 00:00:00',NULL,NULL,0,64,'000000f1-0000-4000-8000-000000000057',2,'a1fa0000000000000000000000000001','volumes',1,'2026-11-24 01:00:00',NULL),
('2026-11-24 00:00:00',NULL,NULL,0,65,'000000f1-0000-4000-8000-000000000058',3,'a1fa0000000000000000000000000001','gigabytes',7,'2026-11-24 01:00:00',NULL),
('2026-11-24 00:00:00',NULL,NULL,0,66,'000000f1-0000-4000-8000-000000000059',4,'a1fa0000000000000000000000000001','volumes_gold',1,'2026-11-24 01:00:00',NULL),
('2026-11-24 00:00:00',NULL,NULL,0,67,'000000f1-0000-4000-8000-00000000005a',5,'a1fa0000000000000000000000000001','gigabytes_gold',7,'2026-11-24 01:00:00',NULL),
('2026-11-26 10:00:00',NULL,NULL,0,68,'000000f1-0000-4000-8000-00000000005c',2,'a1fa0000000000000000000000000001','volumes',1,'2026-11-27 10:00:00',NULL),
('2026-11-26 10:00:00',NULL,NULL,0,69,'000000f1-0000-4000-8000-00000000005d',3,'a1fa0000000000000000000000000001','gigabytes',5,'2026-11-27 10:00:00',NULL),
('2026-11-26 10:00:00',NULL,NULL,0,70,'000000f1-0000-4000-8000-00000000005e',4,'a1fa0000000000000000000000000001','volumes_gold',1,'2026-11-27 10:00:00',NULL),
('2026-11-26 10:00:00',NULL,NULL,0,71,'000000f1-0000-4000-8000-00000000005f',5,'a1fa0000000000000000000000000001','gigabytes_gold',5,'2026-11-27 10:00:00',NULL),
('2026-11-24 10:00:00','2026-11-24 10:00:00','2026-11-24 10:00:00',1,72,'000000f1-0000-4000-8000-000000000061',2,'a1fa0000000000000000000000000001','volumes',1,'2026-11-25 10:00:00',NULL),
('2026-11-24 10:00:00','2026-11-24 10:00:00','2026-11-24 10:00:00',1,73,'000000f1-0000-4000-8000-000000000062',3,'a1fa0000000000000000000000000001','gigabytes',9,'2026-11-25 10:00:00',NULL),
('2026-11-24 10:00:00','2026-11-24 10:00:00','2026-11-24 10:00:00',1,74,'000000f1-0000-4000-8000-000000000063',6,'a1fa0000000000000000000000000001','volumes___DEFAULT__',1,'2026-11-25 10:00:00',NULL),
('2026-11-24 10:00:00','2026-11-24 10:00:00','2026-11-24 10:00:00',1,75,'000000f1-0000-4000-8000-000000000064',7,'a1fa0000000000000000000000000001','gigabytes___DEFAULT__',9,'2026-11-25 10:00:00',NULL),
('2026-11-25 06:00:00','2026-11-25 06:00:00','2026-11-25 06:00:00',1,76,'000000f1-0000-4000-8000-000000000066',8,'be7a0000000000000000000000000002','volumes',1,'2026-11-26 06:00:00',NULL),
('2026-11-25 06:00:00','2026-11-25 06:00:00','2026-11-25 06:00:00',1,77,'000000f1-0000-4000-8000-000000000067',9,'be7a0000000000000000000000000002','gigabytes',1,'2026-11-26 06:00:00',NULL),
('2026-11-25 06:00:00','2026-11-25 06:00:00','2026-11-25 06:00:00',1,78,'000000f1-0000-4000-8000-000000000068',27,'be7a0000000000000000000000000002','volumes___DEFAULT__',1,'2026-11-26 06:00:00',NULL),
('2026-11-25 06:00:00','2026-11-25 06:00:00','2026-11-25 06:00:00',1,79,'000000f1-0000-4000-8000-000000000069',28,'be7a0000000000000000000000000002','gigabytes___DEFAULT__',1,'2026-11-26 06:00:00',NULL),
('2026-11-25 06:00:00','2026-11-25 06:00:00','2026-11-25 06:00:00',1,80,'000000f1-0000-4000-8000-00000000006b',2,'a1fa0000000000000000000000000001','volumes',1,'2026-11-26 06:00:00',NULL),
('2026-11-25 06:00:00','2026-11-25 06:00:00','2026-11-25 06:00:00',1,81,'000000f1-0000-4000-8000-00000000006c',3,'a1fa0000000000000000000000000001','gigabytes',1,'2026-11-26 06:00:00',NULL),
('2026-11-25 06:00:00','2026-11-25 06:00:00','2026-11-25 06:00:00',1,82,'000000f1-0000-4000-8000-00000000006d',6,'a1fa0000000000000000000000000001','volumes___DEFAULT__',1,'2026-11-26 06:00:00',NULL),
('2026-11-25 06:00:00','2026-11-25 06:00:00','2026-11-25 06:00:00',1,83,'000000f1-0000-4000-8000-00000000006e',7,'a1fa0000000000000000000000000001','gigabytes___DEFAULT__',1,'2026-11-26 06:00:00',NULL),
('2026-11-25 06:00:00','2026-11-25 06:00:00','2026-11-25 06:00:00',1,84,'000000f1-0000-4000-8000-000000000070',14,'a1fa0000000000000000000000000001','snapshots',1,'2026-11-26 06:00:00',NULL),
('2026-11-25 06:00:00','2026-11-25 06:00:00','2026-11-25 06:00:00',1,85,'000000f1-0000-4000-8000-000000000071',3,'a1fa0000000000000000000000000001','gigabytes',2,'2026-11-26 06:00:00',NULL),
('2026-11-25 06:00:00','2026-11-25 06:00:00','2026-11-25 06:00:00',1,86,'000000f1-0000-4000-8000-000000000072',15,'a1fa0000000000000000000000000001','snapshots_gold',1,'2026-11-26 06:00:00',NULL),
('2026-11-25 06:00:00','2026-11-25 06:00:00','2026-11-25 06:00:00',1,87,'000000f1-0000-4000-8000-000000000073',5,'a1fa0000000000000000000000000001','gigabytes_gold',2,'2026-11-26 06:00:00',NULL),
('2026-11-26 11:00:00','2026-11-26 11:00:00','2026-11-26 11:00:00',1,88,'000000f1-0000-4000-8000-000000000075',2,'a1fa0000000000000000000000000001','volumes',1,'2026-11-27 11:00:00',NULL),
('2026-11-26 11:00:00','2026-11-26 11:00:00','2026-11-26 11:00:00',1,89,'000000f1-0000-4000-8000-000000000076',3,'a1fa0000000000000000000000000001','gigabytes',1,'2026-11-27 11:00:00',NULL),
('2026-11-26 11:00:00','2026-11-26 11:00:00','2026-11-26 11:00:00',1,90,'000000f1-0000-4000-8000-000000000077',6,'a1fa0000000000000000000000000001','volumes___DEFAULT__',1,'2026-11-27 11:00:00',NULL),
('2026-11-26 11:00:00','2026-11-26 11:00:00','2026-11-26 11:00:00',1,91,'000000f1-0000-4000-8000-000000000078',7,'a1fa0000000000000000000000000001','gigabytes___DEFAULT__',1,'2026-11-27 11:00:00',NULL);
/*!40000 ALTER TABLE `reservations` ENABLE KEYS */;
UNLOCK TABLES;

--
-- Table structure for table `services`
--

DROP TABLE IF EXISTS `services`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `services` (
  `created_at` datetime DEFAULT NULL,
  `updated_at` datetime DEFAULT NULL,
  `deleted_at` datetime DEFAULT NULL,
  `deleted` tinyint(1) DEFAULT NULL,
  `id` int(11) NOT NULL AUTO_INCREMENT,
  `host` varchar(255) DEFAULT NULL,
  `binary` varchar(255) DEFAULT NULL,
  `topic` varchar(255) DEFAULT NULL,
  `report_count` int(11) NOT NULL,
  `disabled` tinyint(1) DEFAULT NULL,
  `availability_zone` varchar(255) DEFAULT NULL,
  `disabled_reason` varchar(255) DEFAULT NULL,
  `modified_at` datetime DEFAULT NULL,
  `rpc_current_version` varchar(36) DEFAULT NULL,
  `object_current_version` varchar(36) DEFAULT NULL,
  `replication_status` varchar(36) DEFAULT NULL,
  `frozen` tinyint(1) DEFAULT NULL,
  `active_backend_id` varchar(255) DEFAULT NULL,
  `cluster_name` varchar(255) DEFAULT NULL,
  `uuid` varchar(36) DEFAULT NULL,
  PRIMARY KEY (`id`),
  UNIQUE KEY `services_uuid_idx` (`uuid`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb3 COLLATE=utf8mb3_general_ci;
/*!40101 SET character_set_client = @saved_cs_client */;

--
-- Dumping data for table `services`
--

LOCK TABLES `services` WRITE;
/*!40000 ALTER TABLE `services` DISABLE KEYS */;
/*!40000 ALTER TABLE `services` ENABLE KEYS */;
UNLOCK TABLES;

--
-- Table structure for table `snapshot_metadata`
--

DROP TABLE IF EXISTS `snapshot_metadata`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `snapshot_metadata` (
  `created_at` datetime DEFAULT NULL,
  `updated_at` datetime DEFAULT NULL,
  `deleted_at` datetime DEFAULT NULL,
  `deleted` tinyint(1) DEFAULT NULL,
  `id` int(11) NOT NULL AUTO_INCREMENT,
  `snapshot_id` varchar(36) NOT NULL,
  `key` varchar(255) DEFAULT NULL,
  `value` varchar(255) DEFAULT NULL,
  PRIMARY KEY (`id`),
  KEY `ix_snapshot_metadata_snapshot_id` (`snapshot_id`),
  CONSTRAINT `snapshot_metadata_ibfk_1` FOREIGN KEY (`snapshot_id`) REFERENCES `snapshots` (`id`)
) ENGINE=InnoDB AUTO_INCREMENT=2 DEFAULT CHARSET=utf8mb3 COLLATE=utf8mb3_general_ci;
/*!40101 SET character_set_client = @saved_cs_client */;

--
-- Dumping data for table `snapshot_metadata`
--

LOCK TABLES `snapshot_metadata` WRITE;
/*!40000 ALTER TABLE `snapshot_metadata` DISABLE KEYS */;
INSERT INTO `snapshot_metadata` VALUES
('2026-10-20 00:00:00',NULL,NULL,0,1,'0000005a-0000-0000-0000-000000000001','kept','yes');
/*!40000 ALTER TABLE `snapshot_metadata` ENABLE KEYS */;
UNLOCK TABLES;

--
-- Table structure for table `snapshots`
--

DROP TABLE IF EXISTS `snapshots`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `snapshots` (
  `created_at` datetime DEFAULT NULL,
  `updated_at` datetime DEFAULT NULL,
  `deleted_at` datetime DEFAULT NULL,
  `deleted` tinyint(1) DEFAULT NULL,
  `id` varchar(36) NOT NULL,
  `volume_id` varchar(36) NOT NULL,
  `user_id` varchar(255) DEFAULT NULL,
  `project_id` varchar(255) DEFAULT NULL,
  `status` varchar(255) DEFAULT NULL,
  `progress` varchar(255) DEFAULT NULL,
  `volume_size` int(11) DEFAULT NULL,
  `scheduled_at` datetime DEFAULT NULL,
  `display_name` varchar(255) DEFAULT NULL,
  `display_description` varchar(255) DEFAULT NULL,
  `provider_location` varchar(255) DEFAULT NULL,
  `encryption_key_id` varchar(36) DEFAULT NULL,
  `volume_type_id` varchar(36) NOT NULL,
  `cgsnapshot_id` varchar(36) DEFAULT NULL,
  `provider_id` varchar(255) DEFAULT NULL,
  `provider_auth` varchar(255) DEFAULT NULL,
  `group_snapshot_id` varchar(36) DEFAULT NULL,
  `use_quota` tinyint(1) NOT NULL DEFAULT 1,
  PRIMARY KEY (`id`),
  KEY `ix_snapshots_volume_id` (`volume_id`),
  KEY `ix_snapshots_cgsnapshot_id` (`cgsnapshot_id`),
  KEY `ix_snapshots_group_snapshot_id` (`group_snapshot_id`),
  KEY `snapshots_deleted_project_id_idx` (`deleted`,`project_id`),
  CONSTRAINT `snapshots_ibfk_1` FOREIGN KEY (`cgsnapshot_id`) REFERENCES `cgsnapshots` (`id`),
  CONSTRAINT `snapshots_ibfk_2` FOREIGN KEY (`group_snapshot_id`) REFERENCES `group_snapshots` (`id`),
  CONSTRAINT `snapshots_volume_id_fkey` FOREIGN KEY (`volume_id`) REFERENCES `volumes` (`id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb3 COLLATE=utf8mb3_general_ci;
/*!40101 SET character_set_client = @saved_cs_client */;

--
-- Dumping data for table `snapshots`
--

LOCK TABLES `snapshots` WRITE;
/*!40000 ALTER TABLE `snapshots` DISABLE KEYS */;
INSERT INTO `snapshots` VALUES
('2026-10-20 00:00:00',NULL,NULL,0,'0000005a-0000-0000-0000-000000000001','000000c1-0000-0000-0000-000000000001','uuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuu','a1fa0000000000000000000000000001','available','100%',2,NULL,'snapshot 1',NULL,NULL,NULL,'0000007e-0000-0000-0000-000000000001',NULL,NULL,NULL,NULL,1),
('2026-10-20 00:00:00',NULL,NULL,0,'0000005a-0000-0000-0000-000000000002','000000c1-0000-0000-0000-000000000003','uuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuu','a1fa0000000000000000000000000001','available','100%',1,NULL,'snapshot 2',NULL,NULL,NULL,'000000f1-0000-4000-8000-000000000002',NULL,NULL,NULL,NULL,1),
('2026-11-25 06:00:00',NULL,NULL,0,'0000005a-0000-0000-0000-000000000003','000000c1-0000-0000-0000-000000000001','uuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuu','a1fa0000000000000000000000000001','creating','0%',2,NULL,'snapshot 3',NULL,NULL,NULL,'0000007e-0000-0000-0000-000000000001',NULL,NULL,NULL,NULL,1);
/*!40000 ALTER TABLE `snapshots` ENABLE KEYS */;
UNLOCK TABLES;

--
-- Table structure for table `transfers`
--

DROP TABLE IF EXISTS `transfers`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `transfers` (
  `created_at` datetime DEFAULT NULL,
  `updated_at` datetime DEFAULT NULL,
  `deleted_at` datetime DEFAULT NULL,
  `deleted` tinyint(1) DEFAULT NULL,
  `id` varchar(36) NOT NULL,
  `volume_id` varchar(36) NOT NULL,
  `display_name` varchar(255) DEFAULT NULL,
  `salt` varchar(255) DEFAULT NULL,
  `crypt_hash` varchar(255) DEFAULT NULL,
  `expires_at` datetime DEFAULT NULL,
  `no_snapshots` tinyint(1) DEFAULT NULL,
  `source_project_id` varchar(255) DEFAULT NULL,
  `destination_project_id` varchar(255) DEFAULT NULL,
  `accepted` tinyint(1) DEFAULT NULL,
  PRIMARY KEY (`id`),
  KEY `ix_transfers_volume_id` (`volume_id`),
  CONSTRAINT `transfers_ibfk_1` FOREIGN KEY (`volume_id`) REFERENCES `volumes` (`id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb3 COLLATE=utf8mb3_general_ci;
/*!40101 SET character_set_client = @saved_cs_client */;

--
-- Dumping data for table `transfers`
--

LOCK TABLES `transfers` WRITE;
/*!40000 ALTER TABLE `transfers` DISABLE KEYS */;
/*!40000 ALTER TABLE `transfers` ENABLE KEYS */;
UNLOCK TABLES;

--
-- Table structure for table `volume_admin_metadata`
--

DROP TABLE IF EXISTS `volume_admin_metadata`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `volume_admin_metadata` (
  `created_at` datetime DEFAULT NULL,
  `updated_at` datetime DEFAULT NULL,
  `deleted_at` datetime DEFAULT NULL,
  `deleted` tinyint(1) DEFAULT NULL,
  `id` int(11) NOT NULL AUTO_INCREMENT,
  `volume_id` varchar(36) NOT NULL,
  `key` varchar(255) DEFAULT NULL,
  `value` varchar(255) DEFAULT NULL,
  PRIMARY KEY (`id`),
  KEY `ix_volume_admin_metadata_volume_id` (`volume_id`),
  CONSTRAINT `volume_admin_metadata_ibfk_1` FOREIGN KEY (`volume_id`) REFERENCES `volumes` (`id`)
) ENGINE=InnoDB AUTO_INCREMENT=2 DEFAULT CHARSET=utf8mb3 COLLATE=utf8mb3_general_ci;
/*!40101 SET character_set_client = @saved_cs_client */;

--
-- Dumping data for table `volume_admin_metadata`
--

LOCK TABLES `volume_admin_metadata` WRITE;
/*!40000 ALTER TABLE `volume_admin_metadata` DISABLE KEYS */;
INSERT INTO `volume_admin_metadata` VALUES
('2026-10-20 00:00:00',NULL,NULL,0,1,'000000c1-0000-0000-0000-000000000003','readonly','True');
/*!40000 ALTER TABLE `volume_admin_metadata` ENABLE KEYS */;
UNLOCK TABLES;

--
-- Table structure for table `volume_attachment`
--

DROP TABLE IF EXISTS `volume_attachment`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `volume_attachment` (
  `created_at` datetime DEFAULT NULL,
  `updated_at` datetime DEFAULT NULL,
  `deleted_at` datetime DEFAULT NULL,
  `deleted` tinyint(1) DEFAULT NULL,
  `id` varchar(36) NOT NULL,
  `volume_id` varchar(36) NOT NULL,
  `attached_host` varchar(255) DEFAULT NULL,
  `instance_uuid` varchar(36) DEFAULT NULL,
  `mountpoint` varchar(255) DEFAULT NULL,
  `attach_time` datetime DEFAULT NULL,
  `detach_time` datetime DEFAULT NULL,
  `attach_mode` varchar(36) DEFAULT NULL,
  `attach_status` varchar(255) DEFAULT NULL,
  `connection_info` text DEFAULT NULL,
  `connector` text DEFAULT NULL,
  PRIMARY KEY (`id`),
  KEY `ix_volume_attachment_volume_id` (`volume_id`),
  CONSTRAINT `volume_attachment_ibfk_1` FOREIGN KEY (`volume_id`) REFERENCES `volumes` (`id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb3 COLLATE=utf8mb3_general_ci;
/*!40101 SET character_set_client = @saved_cs_client */;

--
-- Dumping data for table `volume_attachment`
--

LOCK TABLES `volume_attachment` WRITE;
/*!40000 ALTER TABLE `volume_attachment` DISABLE KEYS */;
INSERT INTO `volume_attachment` VALUES
('2026-10-20 00:00:00',NULL,NULL,0,'000000a7-0000-0000-0000-000000000001','000000c1-0000-0000-0000-000000000002','compute1','00000015-0000-0000-0000-000000000001','/dev/vdb',NULL,NULL,'rw','attached',NULL,NULL),
('2026-10-20 00:00:00',NULL,NULL,0,'000000a7-0000-0000-0000-000000000002','000000c1-0000-0000-0000-000000000006','compute1','00000015-0000-0000-0000-000000000002','/dev/vdb',NULL,NULL,'rw','attached',NULL,NULL),
('2026-10-20 00:00:00',NULL,NULL,0,'000000a7-0000-0000-0000-000000000003','000000c1-0000-0000-0000-000000000006','compute2','00000015-0000-0000-0000-000000000003','/dev/vdb',NULL,NULL,'rw','attached',NULL,NULL);
/*!40000 ALTER TABLE `volume_attachment` ENABLE KEYS */;
UNLOCK TABLES;

--
-- Table structure for table `volume_glance_metadata`
--

DROP TABLE IF EXISTS `volume_glance_metadata`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `volume_glance_metadata` (
  `created_at` datetime DEFAULT NULL,
  `updated_at` datetime DEFAULT NULL,
  `deleted_at` datetime DEFAULT NULL,
  `deleted` tinyint(1) DEFAULT NULL,
  `id` int(11) NOT NULL AUTO_INCREMENT,
  `volume_id` varchar(36) DEFAULT NULL,
  `snapshot_id` varchar(36) DEFAULT NULL,
  `key` varchar(255) DEFAULT NULL,
  `value` text DEFAULT NULL,
  PRIMARY KEY (`id`),
  KEY `ix_volume_glance_metadata_volume_id` (`volume_id`),
  KEY `ix_volume_glance_metadata_snapshot_id` (`snapshot_id`),
  CONSTRAINT `volume_glance_metadata_ibfk_1` FOREIGN KEY (`volume_id`) REFERENCES `volumes` (`id`),
  CONSTRAINT `volume_glance_metadata_ibfk_2` FOREIGN KEY (`snapshot_id`) REFERENCES `snapshots` (`id`),
  CONSTRAINT `CONSTRAINT_1` CHECK (`deleted` in (0,1))
) ENGINE=InnoDB AUTO_INCREMENT=2 DEFAULT CHARSET=utf8mb3 COLLATE=utf8mb3_general_ci;
/*!40101 SET character_set_client = @saved_cs_client */;

--
-- Dumping data for table `volume_glance_metadata`
--

LOCK TABLES `volume_glance_metadata` WRITE;
/*!40000 ALTER TABLE `volume_glance_metadata` DISABLE KEYS */;
INSERT INTO `volume_glance_metadata` VALUES
('2026-10-20 00:00:00',NULL,NULL,0,1,'000000c1-0000-0000-0000-000000000001',NULL,'os_type','linux');
/*!40000 ALTER TABLE `volume_glance_metadata` ENABLE KEYS */;
UNLOCK TABLES;

--
-- Table structure for table `volume_metadata`
--

DROP TABLE IF EXISTS `volume_metadata`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `volume_metadata` (
  `created_at` datetime DEFAULT NULL,
  `updated_at` datetime DEFAULT NULL,
  `deleted_at` datetime DEFAULT NULL,
  `deleted` tinyint(1) DEFAULT NULL,
  `id` int(11) NOT NULL AUTO_INCREMENT,
  `volume_id` varchar(36) NOT NULL,
  `key` varchar(255) DEFAULT NULL,
  `value` varchar(255) DEFAULT NULL,
  PRIMARY KEY (`id`),
  KEY `ix_volume_metadata_volume_id` (`volume_id`),
  CONSTRAINT `volume_metadata_ibfk_1` FOREIGN KEY (`volume_id`) REFERENCES `volumes` (`id`)
) ENGINE=InnoDB AUTO_INCREMENT=3 DEFAULT CHARSET=utf8mb3 COLLATE=utf8mb3_general_ci;
/*!40101 SET character_set_client = @saved_cs_client */;

--
-- Dumping data for table `volume_metadata`
--

LOCK TABLES `volume_metadata` WRITE;
/*!40000 ALTER TABLE `volume_metadata` DISABLE KEYS */;
INSERT INTO `volume_metadata` VALUES
('2026-10-20 00:00:00',NULL,NULL,0,1,'000000c1-0000-0000-0000-000000000001','tier','1'),
('2026-10-20 00:00:00',NULL,NULL,0,2,'000000c1-0000-0000-0000-000000000001','a;b','c,(d)');
/*!40000 ALTER TABLE `volume_metadata` ENABLE KEYS */;
UNLOCK TABLES;

--
-- Table structure for table `volume_type_extra_specs`
--

DROP TABLE IF EXISTS `volume_type_extra_specs`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `volume_type_extra_specs` (
  `created_at` datetime DEFAULT NULL,
  `updated_at` datetime DEFAULT NULL,
  `deleted_at` datetime DEFAULT NULL,
  `deleted` tinyint(1) DEFAULT NULL,
  `id` int(11) NOT NULL AUTO_INCREMENT,
  `volume_type_id` varchar(36) NOT NULL,
  `key` varchar(255) DEFAULT NULL,
  `value` varchar(255) DEFAULT NULL,
  PRIMARY KEY (`id`),
  KEY `ix_volume_type_extra_specs_volume_type_id` (`volume_type_id`),
  CONSTRAINT `volume_type_extra_specs_ibfk_1` FOREIGN KEY (`volume_type_id`) REFERENCES `volume_types` (`id`)
) ENGINE=InnoDB AUTO_INCREMENT=3 DEFAULT CHARSET=utf8mb3 COLLATE=utf8mb3_general_ci;
/*!40101 SET character_set_client = @saved_cs_client */;

--
-- Dumping data for table `volume_type_extra_specs`
--

LOCK TABLES `volume_type_extra_specs` WRITE;
/*!40000 ALTER TABLE `volume_type_extra_specs` DISABLE KEYS */;
INSERT INTO `volume_type_extra_specs` VALUES
('2026-10-15 20:00:00',NULL,NULL,0,1,'0000007e-0000-0000-0000-000000000001','volume_backend_name','lvm'),
('2026-10-15 20:00:00',NULL,NULL,0,2,'0000007e-0000-0000-0000-000000000004','multiattach','<is> True');
/*!40000 ALTER TABLE `volume_type_extra_specs` ENABLE KEYS */;
UNLOCK TABLES;

--
-- Table structure for table `volume_type_projects`
--

DROP TABLE IF EXISTS `volume_type_projects`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `volume_type_projects` (
  `id` int(11) NOT NULL AUTO_INCREMENT,
  `created_at` datetime DEFAULT NULL,
  `updated_at` datetime DEFAULT NULL,
  `deleted_at` datetime DEFAULT NULL,
  `volume_type_id` varchar(36) DEFAULT NULL,
  `project_id` varchar(255) DEFAULT NULL,
  `deleted` int(11) DEFAULT NULL,
  PRIMARY KEY (`id`),
  UNIQUE KEY `volume_type_id` (`volume_type_id`,`project_id`,`deleted`),
  CONSTRAINT `volume_type_projects_ibfk_1` FOREIGN KEY (`volume_type_id`) REFERENCES `volume_types` (`id`)
) ENGINE=InnoDB AUTO_INCREMENT=2 DEFAULT CHARSET=utf8mb3 COLLATE=utf8mb3_general_ci;
/*!40101 SET character_set_client = @saved_cs_client */;

--
-- Dumping data for table `volume_type_projects`
--

LOCK TABLES `volume_type_projects` WRITE;
/*!40000 ALTER TABLE `volume_type_projects` DISABLE KEYS */;
INSERT INTO `volume_type_projects` VALUES
(1,'2026-10-15 20:00:00',NULL,NULL,'0000007e-0000-0000-0000-000000000002','be7a0000000000000000000000000002',0);
/*!40000 ALTER TABLE `volume_type_projects` ENABLE KEYS */;
UNLOCK TABLES;

--
-- Table structure for table `volume_types`
--

DROP TABLE IF EXISTS `volume_types`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `volume_types` (
  `created_at` datetime DEFAULT NULL,
  `updated_at` datetime DEFAULT NULL,
  `deleted_at` datetime DEFAULT NULL,
  `deleted` tinyint(1) DEFAULT NULL,
  `id` varchar(36) NOT NULL,
  `name` varchar(255) DEFAULT NULL,
  `qos_specs_id` varchar(36) DEFAULT NULL,
  `is_public` tinyint(1) DEFAULT NULL,
  `description` varchar(255) DEFAULT NULL,
  PRIMARY KEY (`id`),
  KEY `ix_volume_types_qos_specs_id` (`qos_specs_id`),
  CONSTRAINT `volume_types_ibfk_1` FOREIGN KEY (`qos_specs_id`) REFERENCES `quality_of_service_specs` (`id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb3 COLLATE=utf8mb3_general_ci;
/*!40101 SET character_set_client = @saved_cs_client */;

--
-- Dumping data for table `volume_types`
--

LOCK TABLES `volume_types` WRITE;
/*!40000 ALTER TABLE `volume_types` DISABLE KEYS */;
INSERT INTO `volume_types` VALUES
('2026-10-15 20:00:00','2026-10-15 20:00:00',NULL,0,'0000007e-0000-0000-0000-000000000001','gold','000000f1-0000-4000-8000-000000000004',1,'fast; it\'s \"quick\"'),
('2026-10-15 20:00:00',NULL,NULL,0,'0000007e-0000-0000-0000-000000000002','lab',NULL,0,NULL),
('2026-10-15 20:00:00',NULL,NULL,0,'0000007e-0000-0000-0000-000000000003','luks',NULL,1,NULL),
('2026-10-15 20:00:00',NULL,NULL,0,'0000007e-0000-0000-0000-000000000004','shared_one',NULL,1,NULL),
('2026-10-15 20:00:00',NULL,'2026-11-26 11:00:00',1,'0000007e-0000-0000-0000-000000000005','gone',NULL,1,NULL),
('2026-11-26 17:13:08','2026-11-26 17:13:08',NULL,0,'000000f1-0000-4000-8000-000000000002','__DEFAULT__',NULL,1,'Default Volume Type');
/*!40000 ALTER TABLE `volume_types` ENABLE KEYS */;
UNLOCK TABLES;

--
-- Table structure for table `volumes`
--

DROP TABLE IF EXISTS `volumes`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `volumes` (
  `created_at` datetime DEFAULT NULL,
  `updated_at` datetime DEFAULT NULL,
  `deleted_at` datetime DEFAULT NULL,
  `deleted` tinyint(1) DEFAULT NULL,
  `id` varchar(36) NOT NULL,
  `ec2_id` varchar(255) DEFAULT NULL,
  `user_id` varchar(255) DEFAULT NULL,
  `project_id` varchar(255) DEFAULT NULL,
  `host` varchar(255) DEFAULT NULL,
  `size` int(11) DEFAULT NULL,
  `availability_zone` varchar(255) DEFAULT NULL,
  `status` varchar(255) DEFAULT NULL,
  `attach_status` varchar(255) DEFAULT NULL,
  `scheduled_at` datetime DEFAULT NULL,
  `launched_at` datetime DEFAULT NULL,
  `terminated_at` datetime DEFAULT NULL,
  `display_name` varchar(255) DEFAULT NULL,
  `display_description` varchar(255) DEFAULT NULL,
  `provider_location` varchar(256) DEFAULT NULL,
  `provider_auth` varchar(256) DEFAULT NULL,
  `snapshot_id` varchar(36) DEFAULT NULL,
  `volume_type_id` varchar(36) NOT NULL,
  `source_volid` varchar(36) DEFAULT NULL,
  `bootable` tinyint(1) DEFAULT NULL,
  `provider_geometry` varchar(255) DEFAULT NULL,
  `_name_id` varchar(36) DEFAULT NULL,
  `encryption_key_id` varchar(36) DEFAULT NULL,
  `migration_status` varchar(255) DEFAULT NULL,
  `replication_status` varchar(255) DEFAULT NULL,
  `replication_extended_status` varchar(255) DEFAULT NULL,
  `replication_driver_data` varchar(255) DEFAULT NULL,
  `consistencygroup_id` varchar(36) DEFAULT NULL,
  `provider_id` varchar(255) DEFAULT NULL,
  `multiattach` tinyint(1) DEFAULT NULL,
  `previous_status` varchar(255) DEFAULT NULL,
  `cluster_name` varchar(255) DEFAULT NULL,
  `group_id` varchar(36) DEFAULT NULL,
  `service_uuid` varchar(36) DEFAULT NULL,
  `shared_targets` tinyint(1) DEFAULT NULL,
  `use_quota` tinyint(1) NOT NULL DEFAULT 1,
  PRIMARY KEY (`id`),
  KEY `ix_volumes_group_id` (`group_id`),
  KEY `ix_volumes_consistencygroup_id` (`consistencygroup_id`),
  KEY `volumes_service_uuid_idx` (`service_uuid`,`deleted`),
  KEY `volumes_deleted_project_id_idx` (`deleted`,`project_id`),
  KEY `volumes_deleted_host_idx` (`deleted`,`host`),
  CONSTRAINT `volumes_ibfk_1` FOREIGN KEY (`consistencygroup_id`) REFERENCES `consistencygroups` (`id`),
  CONSTRAINT `volumes_ibfk_2` FOREIGN KEY (`group_id`) REFERENCES `groups` (`id`),
  CONSTRAINT `volumes_ibfk_3` FOREIGN KEY (`service_uuid`) REFERENCES `services` (`uuid`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb3 COLLATE=utf8mb3_general_ci;
/*!40101 SET character_set_client = @saved_cs_client */;

--
-- Dumping data for table `volumes`
--

LOCK TABLES `volumes` WRITE;
/*!40000 ALTER TABLE `volumes` DISABLE KEYS */;
INSERT INTO `volumes` VALUES
('2026-10-20 00:00:00',NULL,NULL,0,'000000c1-0000-0000-0000-000000000001',NULL,'uuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuu','a1fa0000000000000000000000000001','cinder1@lvm#cinder-volumes',2,'nova','available','detached',NULL,NULL,NULL,'O\'Reilly \\ \"web\"\nfront','größer; ü, 漢字 -- /* no comment */',NULL,NULL,NULL,'0000007e-0000-0000-0000-000000000001',NULL,1,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0,NULL,NULL,'00000096-0000-0000-0000-000000000001',NULL,1,1),
('2026-10-20 00:00:00',NULL,NULL,0,'000000c1-0000-0000-0000-000000000002',NULL,'uuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuu','a1fa0000000000000000000000000001','cinder1@lvm#cinder-volumes',1,'nova','in-use','attached',NULL,NULL,NULL,'volume 2',NULL,NULL,NULL,NULL,'0000007e-0000-0000-0000-000000000001',NULL,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0,NULL,NULL,NULL,NULL,1,1),
('2026-10-20 00:00:00',NULL,NULL,0,'000000c1-0000-0000-0000-000000000003',NULL,'uuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuu','a1fa0000000000000000000000000001','cinder1@lvm#cinder-volumes',3,'nova','available','detached',NULL,NULL,NULL,'volume 3',NULL,NULL,NULL,NULL,'000000f1-0000-4000-8000-000000000002',NULL,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0,NULL,NULL,NULL,NULL,1,1),
('2026-10-20 00:00:00',NULL,NULL,0,'000000c1-0000-0000-0000-000000000004',NULL,'uuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuu','a1fa0000000000000000000000000001','cinder1@lvm#cinder-volumes',1,'nova','available','detached',NULL,NULL,NULL,'volume 4',NULL,NULL,NULL,NULL,'0000007e-0000-0000-0000-000000000001',NULL,0,NULL,'000000c2-0000-0000-0000-000000000004',NULL,'success',NULL,NULL,NULL,NULL,NULL,0,NULL,NULL,NULL,NULL,1,1),
('2026-10-20 00:00:00',NULL,NULL,0,'000000c1-0000-0000-0000-000000000005',NULL,'uuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuu','be7a0000000000000000000000000002','cinder1@lvm#cinder-volumes',1,'nova','available','detached',NULL,NULL,NULL,'volume 5',NULL,NULL,NULL,NULL,'0000007e-0000-0000-0000-000000000002',NULL,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0,NULL,NULL,NULL,NULL,1,1),
('2026-10-20 00:00:00',NULL,NULL,0,'000000c1-0000-0000-0000-000000000006',NULL,'uuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuu','be7a0000000000000000000000000002','cinder1@lvm#cinder-volumes',2,'nova','in-use','attached',NULL,NULL,NULL,'volume 6',NULL,NULL,NULL,NULL,'0000007e-0000-0000-0000-000000000004',NULL,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,1,NULL,NULL,NULL,NULL,1,1),
('2026-10-20 00:00:00',NULL,NULL,0,'000000c1-0000-0000-0000-000000000014',NULL,'uuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuu','be7a0000000000000000000000000002','cinder1@lvm#cinder-volumes',1,'nova','available','detached',NULL,NULL,NULL,'volume 20',NULL,NULL,NULL,NULL,'0000007e-0000-0000-0000-000000000003',NULL,0,NULL,NULL,'000000ec-0000-0000-0000-000000000014',NULL,NULL,NULL,NULL,NULL,NULL,0,NULL,NULL,NULL,NULL,1,1),
('2026-10-20 00:00:00',NULL,NULL,0,'000000c1-0000-0000-0000-000000000015',NULL,'uuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuu','be7a0000000000000000000000000002',NULL,1,'nova','error','detached',NULL,NULL,NULL,'volume 21',NULL,NULL,NULL,NULL,'0000007e-0000-0000-0000-000000000001',NULL,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0,NULL,NULL,NULL,NULL,1,1),
('2026-10-20 00:00:00',NULL,NULL,0,'000000c1-0000-0000-0000-000000000016',NULL,'uuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuu','be7a0000000000000000000000000002','cinder1@lvm#cinder-volumes',1,'nova','available','detached',NULL,NULL,NULL,'volume 22',NULL,NULL,NULL,NULL,'0000007e-0000-0000-0000-000000000001',NULL,0,NULL,NULL,NULL,'migrating',NULL,NULL,NULL,NULL,NULL,0,NULL,NULL,NULL,NULL,1,1),
('2026-10-20 00:00:00',NULL,NULL,0,'000000c1-0000-0000-0000-000000000017',NULL,'uuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuu','be7a0000000000000000000000000002','cinder1@lvm#cinder-volumes',1,'nova','available','detached',NULL,NULL,NULL,'volume 23',NULL,NULL,NULL,NULL,'0000007e-0000-0000-0000-000000000001',NULL,0,NULL,NULL,NULL,'target:000000c1-0000-0000-0000-000000000016',NULL,NULL,NULL,NULL,NULL,0,NULL,NULL,NULL,NULL,1,0),
('2026-10-20 00:00:00',NULL,NULL,0,'000000c1-0000-0000-0000-000000000018',NULL,'uuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuu','9a33a000000000000000000000000003','cinder1@lvm#cinder-volumes',4,'nova','available','detached',NULL,NULL,NULL,'image-cache',NULL,NULL,NULL,NULL,'000000f1-0000-4000-8000-000000000002',NULL,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0,NULL,NULL,NULL,NULL,1,1),
('2026-10-20 00:00:00',NULL,NULL,0,'000000c1-0000-0000-0000-000000000019',NULL,'uuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuu','be7a0000000000000000000000000002','cinder1@lvm#cinder-volumes',1,'nova','awaiting-transfer','detached',NULL,NULL,NULL,'volume 25',NULL,NULL,NULL,NULL,'0000007e-0000-0000-0000-000000000001',NULL,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0,NULL,NULL,NULL,NULL,1,1),
('2026-10-20 00:00:00',NULL,'2026-10-20 00:00:00',1,'000000c1-0000-0000-0000-00000000001a',NULL,'uuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuu','a1fa0000000000000000000000000001','cinder1@lvm#cinder-volumes',1,'nova','deleted','detached',NULL,NULL,NULL,'volume 26',NULL,NULL,NULL,NULL,'0000007e-0000-0000-0000-000000000001',NULL,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0,NULL,NULL,NULL,NULL,1,1),
('2026-11-24 10:00:00',NULL,'2026-11-24 10:00:00',1,'000000c1-0000-0000-0000-000000000028',NULL,'uuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuu','a1fa0000000000000000000000000001','cinder1@lvm#cinder-volumes',9,'nova','deleted','detached',NULL,NULL,NULL,'volume 40',NULL,NULL,NULL,NULL,'000000f1-0000-4000-8000-000000000002',NULL,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0,NULL,NULL,NULL,NULL,1,1),
('2026-11-24 10:00:00',NULL,NULL,0,'000000c1-0000-0000-0000-000000000029',NULL,'uuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuu','be7a0000000000000000000000000002','cinder1@lvm#cinder-volumes',6,'nova','available','detached',NULL,NULL,NULL,'volume 41',NULL,NULL,NULL,NULL,'000000f1-0000-4000-8000-000000000002',NULL,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0,NULL,NULL,NULL,NULL,1,1),
('2026-11-25 06:00:00',NULL,NULL,0,'000000c1-0000-0000-0000-00000000002a',NULL,'uuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuu','be7a0000000000000000000000000002',NULL,1,'nova','creating','detached',NULL,NULL,NULL,'volume 42',NULL,NULL,NULL,NULL,'000000f1-0000-4000-8000-000000000002',NULL,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0,NULL,NULL,NULL,NULL,1,1),
('2026-11-25 06:00:00',NULL,NULL,0,'000000c1-0000-0000-0000-00000000002b',NULL,'uuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuu','a1fa0000000000000000000000000001','cinder1@lvm#cinder-volumes',1,'nova','deleting','detached',NULL,NULL,NULL,'volume 43',NULL,NULL,NULL,NULL,'000000f1-0000-4000-8000-000000000002',NULL,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0,NULL,NULL,NULL,NULL,1,1),
('2026-11-26 11:00:00',NULL,NULL,0,'000000c1-0000-0000-0000-00000000002c',NULL,'uuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuu','a1fa0000000000000000000000000001','cinder1@lvm#cinder-volumes',1,'nova','attaching','detached',NULL,NULL,NULL,'volume 44',NULL,NULL,NULL,NULL,'000000f1-0000-4000-8000-000000000002',NULL,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0,NULL,NULL,NULL,NULL,1,1);
/*!40000 ALTER TABLE `volumes` ENABLE KEYS */;
UNLOCK TABLES;

--
-- Table structure for table `workers`
--

DROP TABLE IF EXISTS `workers`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `workers` (
  `created_at` datetime DEFAULT NULL,
  `updated_at` datetime(6) DEFAULT NULL,
  `deleted_at` datetime DEFAULT NULL,
  `deleted` tinyint(1) DEFAULT NULL,
  `id` int(11) NOT NULL AUTO_INCREMENT,
  `resource_type` varchar(40) NOT NULL,
  `resource_id` varchar(36) NOT NULL,
  `status` varchar(255) NOT NULL,
  `service_id` int(11) DEFAULT NULL,
  `race_preventer` int(11) NOT NULL DEFAULT 0,
  PRIMARY KEY (`id`),
  UNIQUE KEY `resource_type` (`resource_type`,`resource_id`),
  KEY `ix_workers_service_id` (`service_id`),
  CONSTRAINT `workers_ibfk_1` FOREIGN KEY (`service_id`) REFERENCES `services` (`id`)
) ENGINE=InnoDB AUTO_INCREMENT=2 DEFAULT CHARSET=utf8mb3 COLLATE=utf8mb3_general_ci;
/*!40101 SET character_set_client = @saved_cs_client */;

--
-- Dumping data for table `workers`
--

LOCK TABLES `workers` WRITE;
/*!40000 ALTER TABLE `workers` DISABLE KEYS */;
INSERT INTO `workers` VALUES
('2026-11-26 17:13:08','2026-11-26 17:13:08.000123',NULL,0,1,'SENTINEL','SUB-SECOND','OK',NULL,0);
/*!40000 ALTER TABLE `workers` ENABLE KEYS */;
UNLOCK TABLES;
/*!40103 SET TIME_ZONE=@OLD_TIME_ZONE */;

/*!40101 SET SQL_MODE=@OLD_SQL_MODE */;
/*!40014 SET FOREIGN_KEY_CHECKS=@OLD_FOREIGN_KEY_CHECKS */;
/*!40014 SET UNIQUE_CHECKS=@OLD_UNIQUE_CHECKS */;
/*!40101 SET CHARACTER_SET_CLIENT=@OLD_CHARACTER_SET_CLIENT */;
/*!40101 SET CHARACTER_SET_RESULTS=@OLD_CHARACTER_SET_RESULTS */;
/*!40101 SET COLLATION_CONNECTION=@OLD_COLLATION_CONNECTION */;
/*!40111 SET SQL_NOTES=@OLD_SQL_NOTES */;

-- Dump completed on 2026-11-26 17:13:14
