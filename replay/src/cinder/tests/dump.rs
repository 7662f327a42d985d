//! What dumps look like, and what is no dump.

use std::fmt::Write as _;

use super::super::schema::TABLES;
use super::{Estate, testdata};

/// A dump of all tables that are needed, with `more` behind them.
fn dump(more: &str) -> String {
    let mut text = String::new();
    for table in TABLES {
        let columns: Vec<String> = table.columns.iter().map(|column| format!("`{column}` text")).collect();
        writeln!(text, "CREATE TABLE `{}` ({}, KEY `k` (`id`(10),`x`));", table.name, columns.join(", ")).unwrap();
    }
    text + more
}

fn read(more: &str) -> Result<Estate, String> {
    Estate::read_dump(dump(more).as_bytes()).map_err(|error| error.to_string())
}

#[test]
fn rows_come_in_every_form_that_dumps_have() {
    for (more, named) in [
        ("INSERT INTO `quota_usages` VALUES (0,7,'p','volumes',3,0);", "p"),
        ("insert ignore into quota_usages values (FALSE, 7, 'p', 'volumes', 3, 0) ;", "p"),
        ("REPLACE INTO `quota_usages` VALUES ('0','7',_binary 'p','volumes',3,-0);", "p"),
        ("INSERT INTO `quota_usages` VALUES (0x30,7,X'70','volumes',+3,b'0');", "p"),
        (
            "INSERT INTO `quota_usages` (`in_use`,`deleted`,`reserved`,`resource`,`project_id`,`id`) VALUES (3,0,0,'volumes','p',7);",
            "p",
        ),
        (
            "INSERT INTO `quota_usages` VALUES\n-- (none)\n(1,6,'gone','volumes',9,9), /* ; */ # ' \n(0,7,'p','volumes',3,0);",
            "p",
        ),
        (
            r"INSERT INTO `quota_usages` VALUES (0,7,'it''s \'a\' \\ \n\t\0\Z','volumes',3,0);",
            "it's 'a' \\ \n\t\0\u{1a}",
        ),
        ("/*!50003 SET x = '*/' */; INSERT INTO `quota_usages` VALUES (0,7,\"q\",'volumes',3,0);", "q"),
        (
            "INSERT INTO `other` VALUES ('); INSERT INTO `quota_usages` VALUES (0,1,2,3,4,5);');\
          INSERT INTO `quota_usages` VALUES (0,7,'p','volumes',3,0);",
            "p",
        ),
    ] {
        let estate = read(more).unwrap_or_else(|error| panic!("{more}: {error}"));
        let usage = &estate.usages[..];
        assert_eq!(usage.len(), 1, "{more}");
        assert_eq!(
            (usage[0].project.as_str(), usage[0].id, usage[0].in_use, usage[0].reserved),
            (named, 7, 3, 0),
            "{more}"
        );
    }
    let nothing_counts = read("INSERT INTO `quota_usages` VALUES (NULL,7,'p','volumes',3,0);").unwrap();
    assert_eq!((nothing_counts.usages.len(), nothing_counts.deleted["quota_usages"]), (0, 1));
}

#[test]
fn what_cannot_be_read_is_an_error_with_its_line() {
    let line = TABLES.len() + 1;
    for (more, error) in [
        ("INSERT INTO `quota_usages` VALUES (0,7,'p','volumes',3);", "table quota_usages: ')' behind 5 of 6 values"),
        (
            "INSERT INTO `quota_usages` VALUES (0,7,'p','volumes',3,0,1);",
            "table quota_usages: ',' behind 6 of 6 values",
        ),
        ("INSERT INTO `quota_usages` VALUES (0,7,now(),'volumes',3,0);", "now where a value is expected"),
        ("INSERT INTO `quota_usages` SELECT 1;", "\"SELECT\" where VALUES is expected"),
        (
            "INSERT INTO `quota_usages` VALUES (0,7,'p','volumes',3,0)",
            "the end where another row or the end is expected",
        ),
        ("UPDATE quota_usages SET in_use = 0;", "UPDATE is no statement of a dump of MariaDB or MySQL"),
        ("DELIMITER ;;", "DELIMITER is no statement of a dump of MariaDB or MySQL"),
        (
            "CREATE TABLE `volumes` (`id` int);",
            "table volumes: the dump has two: it holds several databases, and only Cinder's is wanted",
        ),
        (
            "INSERT INTO `quota_usages` VALUES (0,7,0xZZ,'volumes',3,0);",
            "a hexadecimal literal with something else in it",
        ),
        ("7;", "a statement begins with \"7\""),
    ] {
        assert_eq!(read(more).unwrap_err(), format!("line {line}: {error}"), "{more}");
    }
    for (more, error) in [
        ("INSERT INTO `quota_usages` VALUES (0,7,'p", "the dump is cut: it ends within a text"),
        ("INSERT INTO `other` VALUES (0", "the dump is cut: it ends within a statement"),
        ("/* and then", "the dump is cut: it ends within a comment"),
    ] {
        assert_eq!(read(more).unwrap_err(), error, "{more}");
    }
    let of_table = |column: &str, what: &str| format!("line {line} of table quota_usages: column {column} {what}");
    for (row, error) in [
        ("(0,7,'p','volumes','many',0)", of_table("in_use", "holds something that is no number")),
        ("(0,7,'p','volumes',1.5,0)", of_table("in_use", "holds something that is no whole number")),
        ("(0,7,0xff,'volumes',1,0)", of_table("project_id", "holds something that is no text")),
    ] {
        assert_eq!(read(&format!("INSERT INTO `quota_usages` VALUES {row};")).unwrap_err(), error, "{row}");
    }
}

#[test]
fn what_is_no_dump_of_cinder_is_called_so() {
    let whole = dump("");
    let without = whole.replace("CREATE TABLE `volumes`", "CREATE TABLE `shelves`");
    let renamed = whole.replace("`size` text", "`length` text");
    for (text, error) in [
        (String::new(), "it is neither a SQLite database nor a dump of MariaDB or MySQL: it is empty"),
        (without, "it has no table volumes: is it Cinder's database, and all of it?"),
        (renamed, "its table volumes has no column size: is it Cinder's?"),
        (
            "PRAGMA foreign_keys=OFF;".to_owned(),
            "it is neither a SQLite database nor a dump of MariaDB or MySQL: it is a \
          text that sqlite3 wrote: give the database itself",
        ),
        (
            "--\n-- PostgreSQL database dump\n--\nCOPY x FROM stdin;\n".to_owned(),
            "it is neither a SQLite database nor a dump of \
          MariaDB or MySQL: it is a dump of PostgreSQL",
        ),
        ("Dear Sir,".to_owned(), "line 1: DEAR is no statement of a dump of MariaDB or MySQL"),
        (format!("-- MariaDB dump 10.19\n{whole}"), "the dump is cut: its last line, \"Dump completed\", is missing"),
    ] {
        assert_eq!(Estate::read_dump(text.as_bytes()).unwrap_err().to_string(), error);
    }
    assert!(Estate::read_dump(whole.as_bytes()).is_ok(), "the form without comments");
}

/// However a dump is cut, it is never taken for a smaller one.
#[test]
fn a_dump_that_is_cut_anywhere_is_refused() {
    let whole = std::fs::read(testdata("estate.mariadb.sql")).unwrap();
    let last_line = whole.len() - "Dump completed on 2026-11-26 12:00:00\n".len();
    for cut in (0..last_line).step_by(997) {
        assert!(Estate::read_dump(&whole[..cut]).is_err(), "cut at {cut} of {}", whole.len());
    }
}
