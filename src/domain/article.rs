//! The articles of the regulations that rules cite.

use std::fmt;

/// A regulation, by the abbreviation under which rules cite it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Regulation {
    /// 医疗机构手术分级管理办法（国卫办医政发〔2022〕18号，2022-12-06）
    Sg,
    /// 医疗技术临床应用管理办法（国家卫健委令第1号，2018-11-01 起施行）
    Mt,
    /// 医疗质量管理办法（国家卫计委令第10号，2016-11-01 起施行）
    Mq,
}

impl Regulation {
    /// SG, MT, MQ.
    pub fn abbreviation(self) -> &'static str {
        match self {
            Self::Sg => "SG",
            Self::Mt => "MT",
            Self::Mq => "MQ",
        }
    }

    /// The full Chinese title with its edition.
    pub fn title(self) -> &'static str {
        match self {
            Self::Sg => "《医疗机构手术分级管理办法》（国卫办医政发〔2022〕18号）",
            Self::Mt => "《医疗技术临床应用管理办法》（国家卫生健康委员会令第1号，2018）",
            Self::Mq => "《医疗质量管理办法》（国家卫生和计划生育委员会令第10号，2016）",
        }
    }
}

/// One article, with the words that matter here.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Article {
    /// Of which regulation.
    pub regulation: Regulation,
    /// `16`, `16¶2`, `9(三)`, as rules.md writes it.
    pub number: &'static str,
    /// The words of the article, verbatim.
    pub words: &'static str,
}

impl fmt::Display for Article {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.regulation.abbreviation(), self.number)
    }
}

impl fmt::Debug for Article {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

macro_rules! articles {
    ($($name:ident = $regulation:ident $number:literal $words:literal;)+) => {
        $(
            #[doc = $words]
            pub const $name: Article = Article {
                regulation: Regulation::$regulation,
                number: $number,
                words: $words,
            };
        )+
        /// Every article that a rule cites.
        pub const ALL: &[Article] = &[$($name,)+];
    };
}

articles! {
    SG_6 = Sg "6" "根据其功能定位、医疗服务能力水平和诊疗科目制定手术分级管理目录";
    SG_9_3 = Sg "9(三)" "授予或者取消相应的手术级别和具体手术权限";
    SG_16 = Sg "16" "综合评估后授予术者相应的手术权限";
    SG_16_2 = Sg "16¶2" "三、四级手术应当逐项授予术者手术权限";
    SG_17 = Sg "17" "根据评估结果动态调整手术权限，并纳入个人专业技术档案管理";
    SG_17_2 = Sg "17¶2" "由医疗机构以正式文件形式予以确认";
    SG_17_3 = Sg "17¶3" "四级手术评估周期原则上不超过一年";
    SG_21 = Sg "21" "如现场无相应手术权限的术者，其他术者可超权限开展手术";
    SG_28 = Sg "28" "医疗机构应当暂停开展该手术";
    SG_29 = Sg "29" "加强对手术医嘱、手术通知单、麻醉记录单等环节的检查";
    SG_33 = Sg "33" "术者是指手术的主要完成人";
    MT_18 = Mt "18" "对目录内的手术进行分级管理";
    MT_22 = Mt "22" "要立即停止该项技术的临床应用";
    MT_25 = Mt "25" "出现重大医疗质量、医疗安全或者伦理问题";
    MQ_16 = Mq "16" "卫生技术人员开展诊疗活动应当依法取得执业资质";
    MQ_45_2 = Mq "45(二)" "由于不负责任延误急危患者抢救和诊治，造成严重后果的";
}
