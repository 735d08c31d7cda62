//! The texts of the page in both languages. They are in no table of the command line: the language of a page
//! is that of its readers.

use texts::language::Language;

/// A text in both languages.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Words(pub(crate) &'static str, pub(crate) &'static str);

impl Words {
    /// The text in a language.
    pub(crate) fn of(self, language: Language) -> &'static str {
        match language {
            Language::English => self.0,
            Language::Chinese => self.1,
        }
    }
}

/// Declares texts by name.
macro_rules! words {
    ($($name:ident: $english:literal, $chinese:literal;)*) => {
        $(pub(crate) const $name: Words = Words($english, $chinese);)*

        #[cfg(test)]
        const ALL: &[Words] = &[$($name),*];
    };
}

words! {
    TITLE: "Arrival of objects", "对象到达情况";
    TASK: "sync task", "同步任务";
    LOG_BUCKET: "log bucket", "日志桶";
    CHECKED_AT: "checked at", "检查时间";
    INCOMPLETE: "There are more records than were read: the numbers are lower bounds.", "记录多于已读取的数量：以下数字是下限。";
    SUMMARY: "Summary", "概览";
    SHARE: "Arrived in time", "按时到达";
    GOAL: "goal", "目标";
    GOAL_MET: "goal met", "达到目标";
    GOAL_MISSED: "goal missed", "未达目标";
    NONE_YET: "no key confirmed yet", "尚无已确认的键";
    WITHIN: "within", "时限";
    LIMIT: "time limit", "到达时限";
    LAG: "Lag from event to arrival", "从事件到到达的延迟";
    MEDIAN: "p50", "p50";
    P99: "p99", "p99";
    LONGEST: "longest", "最长";
    PENDING: "Pending", "待到达";
    PENDING_KEYS: "accepted and not confirmed", "已接受、尚未确认";
    MISSED: "Missed the time limit", "超过时限";
    MISSED_KEYS: "accepted, late, and not there", "已接受、已超时、尚未到达";
    ARRIVED_LATE: "arrived late", "超时后到达";
    FAILED: "Failed", "失败";
    FAILED_KEYS: "wait for a replay", "等待重发";
    DEAD: "Given up", "已放弃";
    DEAD_KEYS: "somebody has to remove the cause", "需要人工排除原因";
    CONFIRMED: "Confirmed", "已确认";
    CONFIRMED_KEYS: "arrived, and looked at", "已到达并核对";
    OLDEST_UNCONFIRMED: "Oldest unconfirmed", "等待确认最久";
    OLDEST_WAITING: "Oldest waiting for a replay", "等待重发最久";
    NOBODY: "none", "无";
    LAG_BY_HOUR: "Lag by hour", "每小时的延迟";
    LAG_DESCRIPTION: "Two lines on a logarithmic scale: half of the objects confirmed in an hour had taken no longer than the lower one (p50), 99 % no longer than the upper one (p99).", "对数刻度上的两条线：在该小时内确认的对象中，一半用时不超过下线（p50），99% 不超过上线（p99）。";
    OUTCOMES_BY_HOUR: "Outcomes by hour", "每小时的结果";
    OUTCOMES_DESCRIPTION: "Stacked bars: how many keys each outcome had in an hour.", "堆叠柱：每小时内各种结果的键数。";
    IN_TIME: "arrived in time", "按时到达";
    LATE: "arrived late", "超时到达";
    RESENT: "sent again", "再次发送";
    COPIED: "copied directly", "直接复制";
    FAILED_IN_HOUR: "failed, waiting", "失败待重发";
    GIVEN_UP: "given up", "已放弃";
    REMOVED: "removed at the source", "源端已删除";
    CLASSES: "Failures by class", "失败的类别";
    CLASSES_DESCRIPTION: "Bars: keys that wait for a replay, by the class of their last failure.", "条形：等待重发的键，按最后一次失败的类别。";
    CLASS: "class", "类别";
    TRANSIENT: "network or outage", "网络或服务故障";
    THROTTLED: "too many requests", "请求过多";
    AUTH: "credentials", "凭证";
    PERMANENT: "refused", "被拒绝";
    UNKNOWN: "not recorded", "未记录";
    REASONS: "Most frequent reasons", "最常见的原因";
    AGES: "Age of failures", "失败的时长";
    AGES_DESCRIPTION: "Bars: keys that wait for a replay, by the time since their last failure.", "条形：等待重发的键，按距最后一次失败的时间。";
    AGE: "age", "时长";
    UNDER_10_MINUTES: "under 10 minutes", "10 分钟以内";
    UNDER_1_HOUR: "under 1 hour", "1 小时以内";
    UNDER_1_DAY: "under 1 day", "1 天以内";
    UNDER_1_WEEK: "under 1 week", "1 周以内";
    OLDER: "older", "更久";
    COMPARED: "What a comparison of both sides found", "两端比对的结果";
    COMPARED_DESCRIPTION: "Bars: keys by what the comparison found.", "条形：按比对结果统计的键。";
    FINDING: "result", "结果";
    EQUAL: "equal", "相同";
    DIFFERENT: "different", "不同";
    MISSING: "only at the source", "仅源端有";
    EXTRA: "only at the destination", "仅目标端有";
    UNDECIDED: "not known", "无法判断";
    NOT_LOOKED_AT: "could not be looked at", "无法查看";
    JUDGED_BY: "Equal keys were judged by", "相同的判断依据";
    NOT_EQUAL: "The first keys that are not equal", "前若干个不相同的键";
    ROUND: "What the timer found that compares both sides", "定时比对的结果";
    ROUND_DESCRIPTION: "Bars: keys of the last whole comparison by the timer, by what it found.", "条形：最近一次完整的定时比对，按结果统计的键。";
    FOUND_AND_SENT: "missing or different, sent", "缺失或不同，已发送";
    FOUND_AND_FAILED: "missing or different, not accepted", "缺失或不同，未被接受";
    LEFT_TO_OTHERS: "left to events, confirmations or the replay", "留给事件、确认或重发";
    KEYS: "keys", "键数";
    HOUR: "hour (UTC)", "小时（UTC）";
    NUMBERS: "Numbers of the plot", "图中数字";
    NOTHING: "Nothing to show.", "没有可显示的内容。";
    LAST_HOURS: "The plots show the last 14 days.", "图中显示最近 14 天。";
    PROOFS: "What showed that keys arrived", "到达的依据";
    PROOF: "proof", "依据";
    PROOF_CRC64: "CRC-64", "CRC-64";
    PROOF_MD5: "MD5", "MD5";
    PROOF_SOURCE_ETAG: "ETag of the source", "源端的 ETag";
    PROOF_SIZE: "size and time", "大小和时间";
    PROOF_PRESENCE: "the copy is there", "副本存在";
    PROOF_ABSENCE: "the copy of a removed object is gone", "已删除对象的副本不存在";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_languages_say_something_of_their_own() {
        for Words(english, chinese) in ALL {
            assert!(english.is_ascii() && !english.is_empty(), "{english}");
            let same = ["p50", "p99", "CRC-64", "MD5"].contains(english);
            assert_eq!(english == chinese, same, "{english}");
        }
    }
}
