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
    /// 豫卫医函〔2024〕86号（河南）
    Hn,
    /// 深圳市医疗技术临床应用及手术分级管理若干规定（试行）（有效期至 2023-09-30）
    Sz,
    /// No regulation: what hospital systems commonly demand, cited where no article does.
    Practice,
}

impl Regulation {
    /// SG, MT, MQ, HN, SZ; `ZLHIS` for common practice.
    pub fn abbreviation(self) -> &'static str {
        match self {
            Self::Sg => "SG",
            Self::Mt => "MT",
            Self::Mq => "MQ",
            Self::Hn => "HN",
            Self::Sz => "SZ",
            Self::Practice => "ZLHIS",
        }
    }

    /// The full Chinese title with its edition.
    pub fn title(self) -> &'static str {
        match self {
            Self::Sg => "《医疗机构手术分级管理办法》（国卫办医政发〔2022〕18号）",
            Self::Mt => "《医疗技术临床应用管理办法》（国家卫生健康委员会令第1号，2018）",
            Self::Mq => "《医疗质量管理办法》（国家卫生和计划生育委员会令第10号，2016）",
            Self::Hn => {
                "《关于进一步加强医疗技术临床应用闭环管理和动态监管工作的通知》（豫卫医函〔2024〕86号）"
            }
            Self::Sz => {
                "《深圳市医疗技术临床应用及手术分级管理若干规定（试行）》（2020，有效期3年）"
            }
            Self::Practice => "医院信息系统惯例（非法规条文）",
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

/// Every article that a rule cites, whole: `[SG 16]`, its paragraphs by lines, a blank line.
const IN_FULL: &str = include_str!("articles.txt");

impl Article {
    /// The whole article, paragraph by line; `None` where there is none, for what is only customary.
    pub fn in_full(&self) -> Option<&'static str> {
        // Paragraphs and items are cited, articles are kept; only the numbers of HN are of items themselves.
        let number = match self.regulation {
            Regulation::Hn => self.number,
            _ => self.number.split(['¶', '(']).next().unwrap_or_default(),
        };
        let head = format!("[{} {number}]\n", self.regulation.abbreviation());
        let (_, rest) = IN_FULL.split_once(&head)?;
        Some(rest.split("\n\n").next().unwrap_or_default().trim_end())
    }
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
    SG_11 = Sg "11" "手术分为四级";
    SG_16 = Sg "16" "综合评估后授予术者相应的手术权限";
    SG_16_2 = Sg "16¶2" "三、四级手术应当逐项授予术者手术权限";
    SG_17 = Sg "17" "根据评估结果动态调整手术权限，并纳入个人专业技术档案管理";
    SG_17_2 = Sg "17¶2" "由医疗机构以正式文件形式予以确认";
    SG_17_3 = Sg "17¶3" "四级手术评估周期原则上不超过一年";
    SG_18 = Sg "18" "通过论证的方可开展该手术技术临床应用";
    SG_20 = Sg "20" "开展省级以上限制类医疗技术中涉及手术的，应当按照四级手术进行管理";
    SG_21 = Sg "21" "如现场无相应手术权限的术者，其他术者可超权限开展手术";
    SG_21_SYSTEM = Sg "21" "医疗机构应当建立紧急状态下超出手术权限开展手术的管理制度";
    SG_22 = Sg "22" "手术科室在每例四级手术实施前";
    SG_22_CONTENTS = Sg "22" "应当对手术的指征、方式、预期效果、风险和处置预案等组织多学科讨论";
    SG_28 = Sg "28" "医疗机构应当暂停开展该手术";
    SG_29 = Sg "29" "加强对手术医嘱、手术通知单、麻醉记录单等环节的检查";
    SG_29_WATCH = Sg "29" "重点核查手术权限、限制类技术、急诊手术和本机构重点监管技术项目的相关情况";
    SG_32 = Sg "32" "法律法规有专门规定的手术，按照有关法律法规规定执行";
    SG_33 = Sg "33" "术者是指手术的主要完成人";
    MT_5 = Mt "5" "对禁止临床应用的医疗技术实施负面清单管理";
    MT_9 = Mt "9" "禁止应用于临床（以下简称禁止类技术）";
    MT_11 = Mt "11" "应当按照相关医疗技术临床应用管理规范进行自我评估，符合条件的可以开展临床应用";
    MT_11_FILING = Mt "11" "于开展首例临床应用之日起15个工作日内";
    MT_13 = Mt "13" "未经本机构伦理委员会审查通过的医疗技术，特别是限制类医疗技术，不得应用于临床";
    MT_17 = Mt "17" "具有符合要求的诊疗科目、专业技术人员、相应的设备、设施和质量控制体系";
    MT_18 = Mt "18" "对目录内的手术进行分级管理";
    MT_21 = Mt "21" "通过论证的方可开展医疗技术临床应用";
    MT_22 = Mt "22" "要立即停止该项技术的临床应用";
    MT_25 = Mt "25" "出现重大医疗质量、医疗安全或者伦理问题";
    MT_25_1 = Mt "25(一)" "该医疗技术被国家卫生健康委列为“禁止类技术”";
    MT_26 = Mt "26" "拟开展限制类技术的医师应当按照相关技术临床应用管理规范要求接受规范化培训";
    MT_37 = Mt "37" "逐例报送限制类技术开展情况数据信息";
    MT_43_1 = Mt "43(一)" "开展相关医疗技术与登记的诊疗科目不相符的";
    MT_43_2 = Mt "43(二)" "开展禁止类技术临床应用的";
    MT_45_3 = Mt "45(三)" "未按照要求履行知情同意程序的";
    MT_47 = Mt "47" "人体器官移植技术、人类辅助生殖技术、细胞治疗技术的监督管理不适用本办法";
    MQ_16 = Mq "16" "卫生技术人员开展诊疗活动应当依法取得执业资质";
    MQ_16_SCOPE = Mq "16" "医疗机构应当按照核准登记的诊疗科目执业";
    MQ_24 = Mq "24" "应当遵循患者知情同意原则";
    MQ_45_2 = Mq "45(二)" "由于不负责任延误急危患者抢救和诊治，造成严重后果的";
    HN_2_2_1 = Hn "二(二)1" "如无相应技术规范，以相关专业专家共识为准";
    HN_3 = Hn "三" "按照“开展一例，上报一例”原则";
    HN_4_1 = Hn "四(一)" "由本机构医疗质量与安全委员会审定、医学伦理委员会审查";
    SZ_5 = Sz "5" "纳入市重点质控医疗技术进行管理";
    ZLHIS = Practice "practice" "开单权与主刀权分别授予";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_cited_stands_in_the_whole_article() {
        for article in ALL {
            match article.in_full() {
                Some(whole) => assert!(whole.contains(article.words), "{article}: {whole}"),
                None => assert_eq!(article.regulation, Regulation::Practice, "{article}"),
            }
        }
        let whole = SG_16_2.in_full().unwrap();
        assert!(whole.starts_with("第十六条 ") && whole.lines().count() == 3, "{whole}");
    }
}
